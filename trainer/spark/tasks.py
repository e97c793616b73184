"""What tasks of Spark do, in Python processes of its executors: send rows of users to blocks of items, and fit a block by our kernels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

PACK = "block int, lengths binary, items binary"
PART = "block int, part string"


def send(folder: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """For mapInArrow: from numbers of files of rows to packs."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        _use_kernels()
        import numpy as np
        import pyarrow as pa

        from trainer.spark.packs import packs
        from trainer.spark.parts import read_rows

        ends = np.load(Path(folder) / "ends.npy")
        for batch in batches:
            for at in batch.column(0).to_pylist():
                for pack in packs(*read_rows(Path(folder), at), ends):
                    whole = ([pack.block], [pack.lengths.tobytes()], [pack.item_idx.tobytes()])
                    types = (pa.int32(), pa.binary(), pa.binary())
                    columns = [pa.array(value, kind) for value, kind in zip(whole, types, strict=True)]
                    yield pa.RecordBatch.from_arrays(columns, names=["block", "lengths", "items"])

    return task


def fit(folder: str, model: dict[str, Any], layout: Literal["dense", "sparse"]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """For mapInArrow, on partitions that are a block each: from its packs to its part of the similarity, in a file."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        _use_kernels()
        import numpy as np
        import pyarrow as pa

        from contract.settings.settings import ModelSettings
        from engine.fit.part import Part
        from trainer.spark.packs import rows_of
        from trainer.spark.parts import write_part

        blocks, found = set[int](), list[tuple[bytes, bytes]]()
        for batch in batches:
            blocks |= set(batch.column("block").to_pylist())
            found += zip(*(batch.column(name).to_pylist() for name in ("lengths", "items")), strict=True)
        if not blocks:  # items that nobody has
            return
        (block,) = blocks
        rows = rows_of(found)
        found.clear()
        ends, frequencies = np.load(Path(folder) / "ends.npy"), np.load(Path(folder) / "frequencies.npy")
        part = Part(*rows, frequencies, int(ends[block]), int(ends[block + 1]), ModelSettings(**model)).rows(layout)
        whole = (pa.array([block], pa.int32()), pa.array([write_part(Path(folder), block, part)]))
        yield pa.RecordBatch.from_arrays(list(whole), names=["block", "part"])

    return task


def _use_kernels() -> None:
    """Compiled kernels are kept where this machine keeps them; before Numba is imported."""
    from engine import kernel_cache

    kernel_cache.use(os.environ)
