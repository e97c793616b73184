"""Files of one source that hold the same bytes: a copy that was left beside the original has each of its rows counted twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from contract.settings.source import STDIN
from trainer.sources.tables.locations import Location

N_NAMED = 3
MAX_LINE = 4096  # bytes


def copies(found: Sequence[Location], given: Callable[[Location], Hashable]) -> list[str]:
    """What is said about them. Only files of one size are read for it. `given`: what a file's rows have besides its bytes."""
    files = [(Path(one.address), given(one)) for one in found if not (one.remote or one.empty or one.address == STDIN)]
    sizes = Counter((path.stat().st_size, values) for path, values in files)
    first: dict[tuple[int, Hashable, bytes], Path] = {}
    twins = []
    for path, values in files:
        if sizes[size := path.stat().st_size, values] > 1 and not _is_one_line(path, size):
            original = first.setdefault((size, values, _digest(path)), path)
            if original != path:
                twins.append(f"{path} and {original}")
    if not twins:
        return []
    more = [f"{len(twins) - N_NAMED} more"] if len(twins) > N_NAMED else []
    return [f"files with the same bytes are all read: is one a copy of the other? {'; '.join([*twins[:N_NAMED], *more])}"]


def _is_one_line(path: Path, size: int) -> bool:
    """As a part of many that has names of columns, and no row."""
    return size <= MAX_LINE and b"\n" not in path.read_bytes().rstrip()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()
