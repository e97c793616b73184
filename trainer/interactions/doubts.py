"""What was read without a fault and yet looks wrong: said by a run, and no clean bill from `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trainer.interactions.interactions import Interactions

_YEAR = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Doubt:
    what: str
    advice: str


def doubts(made: Interactions, columns: Mapping[str, str]) -> Iterator[Doubt]:
    if made.time is not None and int(made.time.max()) < _YEAR:
        yield Doubt(
            "all times are in 1970",
            "Times count seconds since 1970 unless --time-unit or --time-format says otherwise; --time-column '' leaves them out.",
        )
    for role, ids in (("user", made.user_ids), ("item", made.item_ids)):
        name = columns.get(role, "")
        if isinstance(ids[0], str) and name and not name.isdigit() and name in ids:
            yield Doubt(f"{name!r} is an id of the {role} column and its name, too", "A line of names among the rows? Take it out.")
