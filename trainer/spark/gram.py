"""Gram matrices by tasks of Spark: rows as engine/linear/gram.py makes them, from parts that are mapped into memory."""

from __future__ import annotations

from functools import partial

import numpy as np

from engine.arrays import Array, Report
from engine.linear.gram import Formula, Source, diagonal_of, load_of
from engine.weighing.rows import UserRows
from trainer.spark import blocks, tasks
from trainer.spark.cluster import Cluster


class SparkGram(Source):
    """As gram.Gram. Tasks make what is looked at as soon as somebody begins to ask for it. Raises SparkError then."""

    def __init__(self, cluster: Cluster, report: Report, rows: UserRows, formula: Formula | None = None) -> None:
        self._rows, self._formula = rows, formula
        self._job = partial(blocks.made, cluster, rows.indptr, (rows.item_idx, rows.weights), report=report)
        self._looked_at: tuple[bool, int] | None = None
        self.load, self.diagonal = load_of(rows), diagonal_of(rows)

    def begin(self, upper: bool, most: int) -> None:
        if self._looked_at == (upper, most):
            return
        given = {name: np.asarray(value) for name, value in self._formula._asdict().items()} if self._formula else {}
        made = self._job(load=self.load, make=tasks.gram(self._rows.n_items, upper, most), given=given)
        self._parts, self._looked_at = made, (upper, most)
        self._ends = [np.concatenate((np.zeros(1, np.int64), np.cumsum(part.lengths))) for _, _, part in made]

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:  # noqa: ARG002 (begin has heard it)
        for (first, last, part), ends in zip(self._parts, self._ends, strict=True):
            for row in range(max(start, first), min(end, last)):
                here = slice(*ends[row - first : row - first + 2])
                out[row - start, part.item_idx[here]] = part.values[here]
