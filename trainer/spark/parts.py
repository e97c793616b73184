"""Files of a fit in the folder that trainer and executors share: rows of users on their way in, parts of a matrix on the way out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import IO
from uuid import uuid4

import numpy as np
from numpy.lib import format as npy

from engine.arrays import Array
from engine.fit.part import SomeRows
from trainer.spark.packs import Columns

FILE_PAIRS = 1 << 22  # of a file of rows, at the most, about


def write_rows(folder: Path, indptr: Array, columns: Columns, n_cores: int) -> int:
    """Rows of users in files of about equal size, as many for each core, if there are so many users; how many files."""
    n_pairs = columns[0].size
    wanted = n_cores * max(1, -(-n_pairs // (FILE_PAIRS * n_cores)))
    cuts = np.searchsorted(indptr, np.linspace(0, n_pairs, wanted + 1)[1:-1])
    ends = np.unique(np.concatenate(([0], cuts, [indptr.size - 1])))
    for at, (start, end) in enumerate(pairwise(ends)):
        np.save(folder / f"rows-{at}-indptr.npy", indptr[start : end + 1] - indptr[start])
        for number, column in enumerate(columns):
            np.save(folder / f"rows-{at}-{number}.npy", column[indptr[start] : indptr[end]])
    return ends.size - 1


def read_rows(folder: Path, at: int, n_columns: int) -> tuple[Array, Columns]:
    return np.load(folder / f"rows-{at}-indptr.npy"), tuple(np.load(folder / f"rows-{at}-{number}.npy") for number in range(n_columns))


def write_part(folder: Path, block: int, some: Iterable[SomeRows]) -> str:
    """The name of its own under which a try of a task has written its part: of two tries, the one that Spark has taken is read.

    `some`: rows after rows, of which no more are in memory than are written at a time.
    """
    name = f"part-{block}-{uuid4().hex}"
    with ExitStack() as opened:
        files = [opened.enter_context((folder / f"{name}-{what}.npy").open("wb")) for what in SomeRows._fields]
        n_rows = [0] * len(files)
        for part in some:
            for at, (file, array) in enumerate(zip(files, part, strict=True)):
                if not file.tell():
                    _head(file, array, 0)
                array.tofile(file)
                n_rows[at] += len(array)
        for file, array, n in zip(files, part, n_rows, strict=True):
            file.seek(0)
            _head(file, array, n)
    return name


def _head(file: IO[bytes], array: Array, n: int) -> None:
    """The head of a file of `n` rows like those of `array`. It is as long for any `n`: NumPy leaves room for a first axis that grows."""
    npy.write_array_header_1_0(file, {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": (n, *array.shape[1:])})


def read_part(folder: Path, name: str) -> SomeRows:
    """As it was written, mapped into memory where it holds anything."""
    return SomeRows(*(np.load(folder / f"{name}-{what}.npy", mmap_mode="r") for what in SomeRows._fields))


def clear(folder: Path) -> None:
    """Remove the files of a fit: a run may fit twice, and what is mapped stays until nobody reads it."""
    for path in (*folder.glob("rows-*.npy"), *folder.glob("part-*.npy")):
        path.unlink(missing_ok=True)
