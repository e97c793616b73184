"""What tasks of Spark do, in Python processes of its executors: send rows of users to blocks of items, and make a block by our kernels.

What compiles or needs kernels is imported by a task alone: which ones it takes is settled before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.arrays import Array
    from engine.fit.part import SomeRows

PACK = "block int, file int, lengths binary, columns array<binary>"
PART = "block int, part string"
ENDS, GIVEN = "ends.npy", "given.npz"  # ends of blocks, and what a make is given, in the folder

Make = Callable[["Array", "tuple[Array, ...]", int, int, Mapping[str, "Array"]], "Iterable[SomeRows]"]
"""From rows of users (indptr, columns) who have items of a block, its start and its end, and arrays that are given: rows of the block."""


def send(folder: str, n_columns: int) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """For mapInArrow: from numbers of files of rows to packs."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        _use_kernels()
        import numpy as np
        import pyarrow as pa

        from trainer.spark.packs import packs
        from trainer.spark.parts import read_rows

        types = (pa.int32(), pa.int32(), pa.binary(), pa.list_(pa.binary()))
        ends = np.load(Path(folder) / ENDS)
        for batch in batches:
            for at in batch.column(0).to_pylist():
                for pack in packs(*read_rows(Path(folder), at, n_columns), ends):
                    whole = (pack.block, at, pack.lengths.tobytes(), [column.tobytes() for column in pack.columns])
                    arrays = [pa.array([value], kind) for value, kind in zip(whole, types, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, names=["block", "file", "lengths", "columns"])

    return task


def fit(folder: str, kinds: Sequence[str], make: Make) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """For mapInArrow, on partitions that are a block each: from its packs to its part of a matrix, in files. `kinds`: dtypes of columns."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        _use_kernels()
        import numpy as np
        import pyarrow as pa

        from trainer.spark.packs import rows_of
        from trainer.spark.parts import write_part

        found = list[tuple[int, int, bytes, list[bytes]]]()
        for batch in batches:
            found += zip(*(batch.column(name).to_pylist() for name in ("block", "file", "lengths", "columns")), strict=True)
        if not found:  # items that nobody has
            return
        (block,) = {block for block, *_ in found}
        found.sort(key=lambda pack: pack[1])  # sums are in the order of users, however packs have come
        indptr, columns = rows_of([(lengths, columns) for _, _, lengths, columns in found], kinds)
        found.clear()
        start, end = np.load(Path(folder) / ENDS)[block : block + 2].tolist()
        with np.load(Path(folder) / GIVEN) as given:
            part = write_part(Path(folder), block, make(indptr, columns, start, end, given))
        yield pa.RecordBatch.from_arrays([pa.array([block], pa.int32()), pa.array([part])], names=["block", "part"])

    return task


def similarity(model: Mapping[str, Any], layout: Literal["dense", "sparse"]) -> Make:
    """SAR's, of columns item_idx; given are the `frequencies` of all items."""

    def make(indptr: Array, columns: tuple[Array, ...], start: int, end: int, given: Mapping[str, Array]) -> Iterator[SomeRows]:
        import numpy as np

        from contract.settings.settings import ModelSettings
        from engine.fit.part import Part

        (indices,) = columns
        yield Part(indptr, indices.astype(np.int32, copy=False), given["frequencies"], start, end, ModelSettings(**model)).rows(layout)

    return make


def gram(n_items: int, upper: bool, most: int) -> Make:
    """Of columns item_idx and weights; given is a formula (engine/linear/gram.py), or nothing."""

    def make(indptr: Array, columns: tuple[Array, ...], start: int, end: int, given: Mapping[str, Array]) -> Iterator[SomeRows]:
        from engine.linear.gram import Formula, Gram, entries
        from engine.weighing.rows import UserRows

        item_idx, weights = columns
        formula = Formula(given["left"], given["right"], given["norms"], float(given["shrinkage"])) if given else None
        return entries(Gram(UserRows(indptr, item_idx, weights, None, n_items), formula), start, end, upper, most)

    return make


def _use_kernels() -> None:
    """Compiled kernels are kept where this machine keeps them; before Numba is imported."""
    from engine import kernel_cache

    kernel_cache.use(os.environ)
