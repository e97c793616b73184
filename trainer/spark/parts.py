"""Files of a fit in the folder that trainer and executors share: rows of users on their way in, parts of a similarity on the way out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np

from engine.arrays import Array
from engine.fit.part import SomeRows

PART_ENTRIES = 1 << 22  # item_idx of a file of rows, about


def write_rows(folder: Path, indptr: Array, indices: Array, n_files: int) -> int:
    """Rows of users in at least `n_files` files, if there are so many users, of about equal size; how many files."""
    wanted = max(n_files, -(-indices.size // PART_ENTRIES))
    cuts = np.searchsorted(indptr, np.linspace(0, indices.size, wanted + 1)[1:-1])
    ends = np.unique(np.concatenate(([0], cuts, [indptr.size - 1])))
    for at, (start, end) in enumerate(pairwise(ends)):
        np.save(folder / f"rows-{at}-indptr.npy", indptr[start : end + 1] - indptr[start])
        np.save(folder / f"rows-{at}-indices.npy", indices[indptr[start] : indptr[end]])
    return ends.size - 1


def read_rows(folder: Path, at: int) -> tuple[Array, Array]:
    return np.load(folder / f"rows-{at}-indptr.npy"), np.load(folder / f"rows-{at}-indices.npy")


def write_part(folder: Path, block: int, part: SomeRows) -> str:
    """The name of its own under which a try of a task has written its part: of two tries, the one that Spark has taken is read."""
    name = f"part-{block}-{uuid4().hex}"
    for what, values in part._asdict().items():
        np.save(folder / f"{name}-{what}.npy", values)
    return name


def read_part(folder: Path, name: str) -> SomeRows:
    """As it was written, mapped into memory where it holds anything."""
    return SomeRows(*(np.load(folder / f"{name}-{what}.npy", mmap_mode="r") for what in SomeRows._fields))


def clear(folder: Path) -> None:
    """Remove the files of a fit that is done: a run may fit twice."""
    for path in (*folder.glob("rows-*.npy"), *folder.glob("part-*.npy")):
        path.unlink(missing_ok=True)
