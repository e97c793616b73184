"""How a generation's interactions were read: what of it a run says, and when the gate takes it for another meaning of the same words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from contract.formats.manifest import Manifest
from trainer.evaluation.findings import Finding, reads_otherwise
from trainer.interactions.profile import Profile
from trainer.rows.row_filter import NO_ROWS

_IDS = {"int": "integers", "str": "texts"}
_WITHOUT = {"weight": "every interaction weighs 1", "time": "no times", "event": "no types of events"}


class Reading(BaseModel):
    """`reading` of a manifest. What an earlier version did not write is empty, and compared with nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int = 0
    columns: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    dropped: dict[str, int] = {}
    clock: str = ""
    profile: Profile | None = None
    user_ids: str = ""
    item_ids: str = ""
    target: str = ""
    events: dict[str, int] = {}
    """Rows of the most frequent types, `KINDS` of them at the most (trainer/interactions/targets.py)."""
    n_events: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        known: dict[str, Any] = {name: value for name, value in manifest.reading.items() if name in cls.model_fields}
        ids = {"user_ids": _IDS[manifest.user_id_type], "item_ids": _IDS[manifest.item_id_type]}
        return cls.model_validate(known | ids)

    @property
    def lost(self) -> dict[str, int]:
        """Rows that were left out, by reason, but for those that are no rows."""
        return {reason: n for reason, n in self.dropped.items() if n and reason not in NO_ROWS}

    @property
    def losses(self) -> str:
        """How many rows were left out, which part, and why; "" where none was."""
        reasons = self.lost
        lost = sum(reasons.values())
        if not lost:
            return ""
        of = f" of {self.rows:,} rows ({100 * lost / self.rows:.1f} %)" if self.rows else " rows"
        because = ", ".join(f"{n:,} with {reason}" for reason, n in sorted(reasons.items(), key=lambda pair: -pair[1]))
        return f"{lost:,}{of} were left out: {because}"


def changed(new: Reading, old: Reading) -> Iterator[Finding]:
    """What means something else than in the current generation: types of ids, columns, clocks. Each is said with both values."""
    for what, now, before in (("user ids", new.user_ids, old.user_ids), ("item ids", new.item_ids, old.item_ids)):
        if now != before:
            yield reads_otherwise(f"{what} are {now}{_because(what, new)}, those of the current generation are {before}", now, before)
    if new.columns and old.columns:
        for role in dict.fromkeys([*old.columns, *new.columns]):
            now, before = (_column(role, one) for one in (new, old))
            if now != before:
                yield reads_otherwise(f"the {role} column is {now}, that of the current generation is {before}", now, before)
    if new.clock and old.clock and set(new.clock.split(" and ")) != set(old.clock.split(" and ")):
        yield reads_otherwise(f"times were read as {new.clock}, those of the current generation as {old.clock}", new.clock, old.clock)

    if new.target != old.target:
        now, before = (f"are those of {one.target!r}" if one.target else "are all" for one in (new, old))
        yield reads_otherwise(f"events that are recommended {now}, in the current generation they {before}", new.target, old.target)


def _because(what: str, reading: Reading) -> str:
    """What was noted on these ids, if it tells why they are what they are."""
    note = next((note for note in reading.notes if note.startswith(f"{what} are ")), "")
    return f" ({note.removeprefix(f'{what} are ').partition(';')[0]})" if note else ""


def _column(role: str, reading: Reading) -> str:
    return repr(reading.columns[role]) if role in reading.columns else f"none ({_WITHOUT.get(role, 'none')})"
