"""What tells whether a part of a source is as it was: a file by its size, times and ends, a slice of a table by what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainer.kept import entries, files
from trainer.kept.entries import DamagedError
from trainer.rows.batches import Table
from trainer.sources.shapes.reshaped import Reshaped
from trainer.sources.tables.since import MOST, Growing, Kept, Slice, changed, slices


def can_be_kept(part: Table) -> bool:
    """A file or a slice, row by row."""
    return isinstance(part, Slice) or (not isinstance(part, Reshaped) and Path(part.where).is_file())


def name_of(part: Table) -> str:
    """Of the folder in which it is kept."""
    return entries.name_of(f"{part.where}\n{part.low}" if isinstance(part, Slice) else part.where)


def label_of(part: Table) -> str:
    return f"{part.where} from {part.low[1] if part.low else 'the first'} row on" if isinstance(part, Slice) else part.where


def look(part: Table) -> dict[str, Any] | None:
    """What tells the part from what it was; None for what must not be kept."""
    if isinstance(part, Slice):
        return None if part.newest else {"first_row": part.first_row, **asdict(part.now())}
    try:
        return files.identity(Path(part.where))
    except OSError:
        return None


def is_same(part: Table, kept: dict[str, Any]) -> bool:
    """Whether it is as it was when `kept` was what told it. Of a slice `changed` has looked at the rows."""
    if isinstance(part, Slice):
        return part.known == Kept.from_json(kept) and kept["first_row"] == part.first_row
    return files.same(Path(part.where), kept)


def was_same(part: Table, before: dict[str, Any], began: float, n_rows: int) -> bool:
    """Whether it stayed as it was while it was read. `began`: when the first part was opened."""
    if isinstance(part, Slice):
        return bool(n_rows == before["n"])
    return before["ctime"] <= began * 1e9 and is_same(part, before)


def slices_of(table: Growing, folder: Path, why: list[str]) -> Iterator[Slice]:
    """A table that grows in slices, by those that are kept in `folder`; adds to `why` where none of them holds."""
    found = []
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            entry = entries.read_entry(one)
            found += [] if entry is None else [Kept.from_json(entry.said["part"])]
        except (DamagedError, KeyError, TypeError, IndexError):  # its rows are read anew
            continue
    found.sort(key=lambda kept: kept.number)
    if len(found) > MOST:
        why.append(f"{table.where}, which is kept in {len(found):,} pieces")
        found = []
    elif reason := changed(table, found):
        why.append(f"{table.where}, since something changed below the greatest {table.since} so far: {reason}")
        found = []
    yield from slices(table, found)
