"""A text file that grows, in pieces: what was read of it is kept to the end of its last whole chunk, and read on from there.

What is kept is used where the file is as it was, or where its beginning is, by a checksum of all its bytes. A piece ends where a chunk
ends, so that what comes behind it is read in the chunks, and with that in the way, in which a reading of all reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.kept import entries, files
from trainer.kept.digest import digest
from trainer.kept.entries import DamagedError
from trainer.rows.batches import Batch, Table, Within
from trainer.rows.problems import Problems
from trainer.sources.tables.partitions import Part
from trainer.sources.text import files as texts
from trainer.sources.text.delimited import DelimitedTable
from trainer.sources.text.files import TextFile
from trainer.sources.text.json_lines import JsonLinesTable
from trainer.sources.text.place import Place

MOST = 400  # pieces: one a night, for a year


@dataclass(slots=True)
class Piece(Within):
    """The rows of a file from `begin` on, as a table of their own. `end`: None is the end of the file; set by reading them.

    `file`: what tells the file, as it was before any of its pieces was read; `known`: whether the rows that are kept are those of the file.
    """

    table: Table
    text: TextFile
    begin: Place
    stop: int
    file: dict[str, Any] | None
    end: Place | None = None
    known: bool = False

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        self.text.begin, self.text.stop = self.begin, self.stop
        yield from self.table.batches(columns, numbers, problems)
        self.end = self.text.ended

    def as_json(self) -> dict[str, Any]:
        """What tells it. The whole file where it goes to the end."""
        return {"begin": asdict(self.begin), "end": self.end and asdict(self.end), "file": None if self.end else self.file}

    def goes_as_far_as(self, kept: Mapping[str, Any]) -> bool:
        """Whether `kept`, which tells a piece, begins and ends where this one does."""
        return all(kept.get(name) == place for name, place in self.as_json().items() if name != "file")


def name_of(where: str, begin: Place) -> str:
    return entries.name_of(f"{where}\n{begin.start}")


def pieces(part: Table, folder: Path, why: list[str], *, again: bool) -> Iterator[Piece] | None:
    """A file in pieces, each to be read or replayed before the next is asked for; None for one that can't be read so, or is small."""
    table = part.table if isinstance(part, Part) else part
    if type(table) not in (DelimitedTable, JsonLinesTable):
        return None
    text: TextFile = table.file  # type: ignore[attr-defined]
    try:
        now = files.identity(Path(part.where))
    except OSError:
        return None
    stop = text.last_stop(now["size"]) if now else 0
    return _pieces(part, text, stop, now, [] if again else _held(part.where, folder, why)) if stop else None


def _pieces(
    part: Table, text: TextFile, stop: int, now: dict[str, Any] | None, held: Sequence[tuple[Place, Place | None]]
) -> Iterator[Piece]:
    place: Place | None = Place()
    for begin, end in held:
        if begin != place:
            break
        piece = Piece(part, text, begin, end.read if end else 0, now, end, known=True)
        yield piece
        place = piece.end
    while place is not None:
        piece = Piece(part, text, place, stop if place.read < stop else 0, now)
        yield piece
        place = piece.end


def _held(where: str, folder: Path, why: list[str]) -> list[tuple[Place, Place | None]]:
    """Where the pieces begin and end that are kept and are what the file holds. Adds to `why` if some don't."""
    chain, file = _chain(where, folder)
    if not chain or len(chain) > MOST:
        why += [f"{where}, which is kept in {len(chain):,} pieces"] if chain else []
        return []
    if file is not None and files.same(Path(where), file):
        return chain
    good = _unchanged(Path(where), [end for _, end in chain if end])
    why.append(f"{where}, from line {good[-1].line:,} on, since it has grown or changed there" if good else f"{where}, which has changed")
    return list(zip([Place(), *good], good, strict=False))


def _chain(where: str, folder: Path) -> tuple[list[tuple[Place, Place | None]], dict[str, Any] | None]:
    """Where the pieces begin and end that are kept, each from the end of the one before; and what told the file when its end was read."""
    chain: list[tuple[Place, Place | None]] = []
    place: Place | None = Place()
    try:
        while place and (entry := entries.read_entry(folder / name_of(where, place))):
            said = entry.said["part"]
            if Place(**said["begin"]) != place:
                break
            begin, place = place, Place(**said["end"]) if said["end"] else None
            chain.append((begin, place))
            if place is None:
                return chain, said["file"]
    except (DamagedError, KeyError, TypeError):  # it is read anew, and all behind it
        pass
    return chain, None


def _unchanged(path: Path, ends: Sequence[Place]) -> list[Place]:
    """Those of `ends` up to which the file is what it was, all its bytes."""
    good, at, known = list[Place](), 0, 0
    block = memoryview(bytearray(texts.CHUNK_BYTES))  # one for all: fresh memory costs more than the checksum
    try:
        with open(path, "rb", buffering=0) as file:
            for end in ends:
                while at < end.read and file.readinto(block) == len(block):
                    at, known = at + len(block), digest(block, known)
                if (at, known) != (end.read, end.digest):
                    break
                good.append(end)
    except OSError:
        pass
    return good
