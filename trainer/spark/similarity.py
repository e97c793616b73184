"""SAR's similarity by tasks of Spark, the same bytes as engine/fit/rows.py makes."""

from __future__ import annotations

import numpy as np

from contract.artifacts.artifact import TILE
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Report
from engine.blocks import release
from engine.fit import rows as sar
from engine.fit.similarity import Fitted
from trainer.spark import blocks, tasks
from trainer.spark.cluster import Cluster


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
    make, given = tasks.similarity(model.model_dump(), choice.layout), {"frequencies": frequencies}
    sent = rows.indices.astype(np.uint16) if n_items <= 1 << 16 else rows.indices  # half of what goes through Spark
    made = blocks.made(cluster, rows.indptr, (sent,), frequencies.astype(np.float64), make, given, report)
    return _fill_tiles(made, n_items, allocate) if choice.layout == "dense" else _fill_rows(made, n_items, allocate)


def _fill_rows(made: list[blocks.Block], n_items: int, allocate: Allocate) -> Fitted:
    lengths = np.zeros(n_items, np.int64)
    for start, end, part in made:
        lengths[start:end] = part.lengths
    indptr = allocate("similarity_indptr", np.int64, (n_items + 1,))
    indptr[1:] = np.cumsum(lengths)
    entries = (int(indptr[-1]),)
    indices, data = allocate("similarity_indices", np.int32, entries), allocate("similarity_data", np.float32, entries)
    for start, end, part in made:
        here = slice(int(indptr[start]), int(indptr[end]))
        indices[here], data[here] = part.item_idx, part.values
    return Fitted("sparse", data.size / n_items)


def _fill_tiles(made: list[blocks.Block], n_items: int, allocate: Allocate) -> Fitted:
    tiles = allocate("similarity", np.float32, (-(-n_items // TILE), n_items, TILE))
    for start, end, part in made:
        tiles[:, start:end] = part.values
        release(tiles)
    return Fitted("dense", n_items)
