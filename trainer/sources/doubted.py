"""Why what is kept of a part can't be used, though it is whole."""

from __future__ import annotations

from typing import Any

from trainer.kept.entries import Entry
from trainer.rows.batches import Table
from trainer.sources import identity
from trainer.sources.erased_rows import ErasedRows


def doubted(entry: Entry, part: Table, state: dict[str, Any], now: float, left_out: ErasedRows) -> str:
    """The reason, as it is logged; "" where there is none."""
    said = entry.said
    if not identity.is_same(part, said["part"]):
        return "which has changed"
    if said["state"] != state:
        different = [name for name in state if said["state"].get(name) != state[name]]
        return f"which is read in another way than before ({', '.join(different)})"
    if said["now"] > now:
        return "since the clock of this machine goes back"
    erased = said["erased"]
    another = erased["who"] != left_out.who and (erased["n"] or left_out.revision)
    return "since the list of erased users is another one" if another or erased["revision"] > left_out.revision else ""
