"""SAR's similarity by tasks of Spark, the same bytes as engine/fit/rows.py makes: blocks of items, each from the rows that touch it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from contract.artifacts.artifact import TILE
from contract.errors import SparkError
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.blocks import cuts, release
from engine.fit import rows as sar
from engine.fit.part import SomeRows
from engine.fit.similarity import Fitted
from trainer.spark import tasks
from trainer.spark.cluster import Cluster
from trainer.spark.packs import n_blocks
from trainer.spark.parts import clear, read_part, write_rows

BLOCK_BYTES = 2**28  # of the rows that one task holds


def fit_similarity(
    cluster: Cluster,
    rows: sar.Rows,
    n_items: int,
    model: ModelSettings,
    allocate: Allocate,
    *,
    threads: int,  # noqa: ARG001 (a task has one core)
    limit_bytes: float,
    report: Report,
) -> Fitted:
    """As engine.fit.rows.fit_similarity, on `cluster`. Raises SparkError, too."""
    _, choice = sar.chosen(rows, n_items, model, limit_bytes)
    frequencies = np.bincount(rows.indices, minlength=n_items)
    session = cluster.session()
    blocks = n_blocks(rows.indices.size, rows.indptr.size - 1, cluster.n_cores, BLOCK_BYTES)
    ends = cuts(frequencies.astype(np.float64), min(blocks, n_items))
    np.save(cluster.folder / "ends.npy", ends)
    np.save(cluster.folder / "frequencies.npy", frequencies)
    n_files = write_rows(cluster.folder, rows.indptr, rows.indices, cluster.n_cores)
    folder, said = str(cluster.folder), model.model_dump()

    def job() -> list[Any]:
        files = session.range(0, n_files, 1, n_files).select("id")
        sent = files.mapInArrow(tasks.send(folder), tasks.PACK).repartitionById(ends.size - 1, "block")  # a task a block: nothing is sorted
        found: list[Any] = sent.mapInArrow(tasks.fit(folder, said, choice.layout), tasks.PART).collect()
        return found

    named = {row["block"]: row["part"] for row in cluster.run(job, report)}
    for block, (start, end) in enumerate(pairwise(ends)):
        if block not in named and frequencies[start:end].any():
            raise SparkError(f"the engine spark: it has made no part of the items {start} to {end}")
    read = partial(_part, cluster.folder, named)
    fill = _fill_tiles if choice.layout == "dense" else _fill_rows
    fitted = fill(read, ends, n_items, allocate)
    clear(cluster.folder)
    return fitted


def _part(folder: Path, named: dict[int, str], block: int) -> SomeRows | None:
    """None for a block of items that nobody has."""
    return read_part(folder, named[block]) if block in named else None


def _fill_rows(read: Callable[[int], SomeRows | None], ends: Array, n_items: int, allocate: Allocate) -> Fitted:
    lengths = np.zeros(n_items, np.int64)
    for block, (start, end) in enumerate(pairwise(ends)):
        if (part := read(block)) is not None:
            lengths[start:end] = part.lengths
    indptr = allocate("similarity_indptr", np.int64, (n_items + 1,))
    indptr[1:] = np.cumsum(lengths)
    entries = (int(indptr[-1]),)
    indices, data = allocate("similarity_indices", np.int32, entries), allocate("similarity_data", np.float32, entries)
    for block, (start, end) in enumerate(pairwise(ends)):
        if (part := read(block)) is not None:
            here = slice(int(indptr[start]), int(indptr[end]))
            indices[here], data[here] = part.item_idx, part.values
    return Fitted("sparse", data.size / n_items)


def _fill_tiles(read: Callable[[int], SomeRows | None], ends: Array, n_items: int, allocate: Allocate) -> Fitted:
    tiles = allocate("similarity", np.float32, (-(-n_items // TILE), n_items, TILE))
    for block, (start, end) in enumerate(pairwise(ends)):
        if (part := read(block)) is not None:
            tiles[:, start:end] = part.values
            release(tiles)
    return Fitted("dense", n_items)
