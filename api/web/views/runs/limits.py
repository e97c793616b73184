"""What the gate compared, as people read it: a figure, its limit, and whether it is within."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.views.formats import figure, number
from contract.formats.verdict import Compared


@dataclass(frozen=True, slots=True)
class Limit:
    """`before`: "" where the limit does not depend on what was served."""

    name: str
    before: str
    after: str
    bound: str
    setting: str
    passed: bool


def limits_of(compared: Sequence[Compared]) -> list[Limit]:
    """Those that are beyond their limit first, else in the order in which the gate looked."""
    rows = [
        Limit(
            name=f"{one.name[0].upper()}{one.name[1:]}" if not one.name.startswith("nDCG") else one.name,
            before="" if one.old is None else _text(one.old, one.bound),
            after=_text(one.new, one.bound),
            bound=f"{'at most' if one.is_most else 'at least'} {_text(one.bound, one.bound)}",
            setting=one.limit,
            passed=one.passed,
        )
        for one in compared
    ]
    return sorted(rows, key=lambda row: row.passed)


def _text(value: float, bound: float) -> str:
    """As a count where value and limit are whole numbers and the limit is none of a share."""
    return number(int(value)) if float(value).is_integer() and abs(bound) >= 1 else figure(value)
