"""Files of one source that hold the same bytes: a copy that was left beside the original has each of its rows counted twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from contract.settings.source import STDIN
from trainer.rows.notes import Note
from trainer.sources.tables.locations import Location

N_NAMED = 3
BEGINNING = 4097  # bytes


def copies(found: Sequence[Location], given: Callable[[Location], Hashable]) -> list[Note]:
    """What is said about them. Only files of one size and one beginning are read for it, so that parts of a split file are not.

    `given`: what a file's rows have besides its bytes.
    """
    paths = {Path(one.address): given(one) for one in found if not (one.remote or one.empty or one.address == STDIN)}
    alike = [[*paths]]
    for trait in (lambda path: (path.stat().st_size, paths[path]), _beginning, _digest):
        alike = [same for group in alike for same in _grouped(group, trait)]
    twins = [f"{path} and {original}" for path, original in sorted((path, original) for original, *others in alike for path in others)]
    if not twins:
        return []
    more = [f"{len(twins) - N_NAMED} more"] if len(twins) > N_NAMED else []
    named = "; ".join([*twins[:N_NAMED], *more])
    return [Note(f"files with the same bytes are all read: is one a copy of the other? {named}", "copies")]


def _grouped(paths: Iterable[Path], trait: Callable[[Path], Hashable]) -> Iterator[list[Path]]:
    """Those of several that have it in common. None, of those without rows, has nothing in common with any."""
    groups: dict[Hashable, list[Path]] = {}
    for path in paths:
        groups.setdefault(trait(path), []).append(path)
    return (group for found, group in groups.items() if len(group) > 1 and found is not None)


def _beginning(path: Path) -> bytes | None:
    """None of a part of many that has names of columns, and no row."""
    with path.open("rb") as file:
        begin = file.read(BEGINNING)
    return begin if len(begin) == BEGINNING or b"\n" in begin.rstrip() else None


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()
