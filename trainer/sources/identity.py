"""What tells whether a part of a source is as it was: a file by its size, times and ends, a slice of a table by what it holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainer.kept import entries, files
from trainer.kept.entries import DamagedError
from trainer.rows.batches import Table
from trainer.sources import pieces
from trainer.sources.pieces import Piece
from trainer.sources.shapes.reshaped import Reshaped
from trainer.sources.tables.since import MOST, Growing, Kept, Slice, apart, changed


def can_be_kept(part: Table) -> bool:
    """A file or a slice, row by row."""
    return isinstance(part, Slice) or (not isinstance(part, Reshaped) and Path(part.where).is_file())


def name_of(part: Table) -> str:
    """Of the folder in which it is kept."""
    if isinstance(part, Piece):
        return pieces.name_of(part.where, part.begin)
    return entries.name_of(f"{part.where}\n{part.low}" if isinstance(part, Slice) else part.where)


def label_of(part: Table) -> str:
    """For the log: without a value of the column that grows, which may be anything."""
    if isinstance(part, Piece) and part.begin.read:
        return f"{part.where} from line {part.begin.line:,} on"
    return f"{part.where}, slice {part.number:,}" if isinstance(part, Slice) else part.where


def is_new(part: Table) -> bool:
    """Whether nothing that is kept can be of it."""
    return isinstance(part, Piece) and not part.known


def look(part: Table) -> dict[str, Any] | None:
    """What tells the part from what it was; None for what must not be kept."""
    if isinstance(part, Slice):
        return None if part.newest else {"first_row": part.first_row, **asdict(part.now())}
    if isinstance(part, Piece):
        return part.file
    try:
        return files.identity(Path(part.where))
    except OSError:
        return None


def is_same(part: Table, kept: dict[str, Any]) -> bool:
    """Whether it is as it was when `kept` was what told it. `changed` has looked at the rows of a slice, `pieces` at those of a piece."""
    if isinstance(part, Piece):  # another run may have kept another piece in its place since
        return part.known and part.goes_as_far_as(kept)
    if isinstance(part, Slice):
        return part.known == Kept.from_json(kept) and kept["first_row"] == part.first_row
    return files.same(Path(part.where), kept)


def was_same(part: Table, before: dict[str, Any], began: float, n_rows: int) -> bool:
    """Whether it stayed as it was while it was read. `began`: when the first part was opened."""
    if isinstance(part, Slice):
        return bool(n_rows == before["n"])
    if isinstance(part, Piece) and part.end:
        return True  # its digest is of the bytes that were read
    return before["ctime"] <= began * 1e9 and files.same(Path(part.where), before)


def said_of(part: Table, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """What tells the part from what it was, now that it is read."""
    return part.as_json() if isinstance(part, Piece) else before


def kept_of(table: Growing, folder: Path, why: list[str], *, again: bool) -> tuple[list[Kept], list[Path]]:
    """The slices that are kept in `folder` and hold still, and the entries that don't: they must go before any slice is kept anew, since
    the rows of a new one may be in them, too. Adds to `why` where no slice holds. `again`: none does, and nothing is to be said of it."""
    found, rejected = dict[Path, Kept](), list[Path]()
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            if entry := entries.read_entry(one):
                found[one] = Kept.from_json(entry.said["part"])
        except (DamagedError, KeyError, TypeError, IndexError):  # its rows are read anew
            rejected.append(one)
    kept = sorted(found.values(), key=lambda one: one.number)
    if again:
        return [], [*rejected, *found]
    if len(kept) > MOST:
        why.append(f"{table.where}, which is kept in {len(kept):,} pieces")
    elif not apart(table, kept):
        why.append(f"{table.where}, of which the same rows may be kept twice")
    elif reason := changed(table, kept):
        why.append(f"{table.where}, since something changed below the greatest {table.since} so far: {reason}")
    else:
        return kept, rejected
    return [], [*rejected, *found]
