"""Gram matrices from parts: the bytes of our own, where the tasks are run here in the order in which packs happen to come."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.linear.gram import Gram, sparse, whole
from engine.linear.matrix import Columns, Dense, Limits
from engine.models.family import MODELS
from tests.support.models import oracles
from trainer.spark.gram import SparkGram


class Frame:
    """What trainer/spark/blocks.py asks of a frame of Spark, on this thread."""

    def __init__(self, partitions: list[list[Any]]) -> None:
        self._partitions = partitions

    def select(self, _column: str) -> Frame:
        return self

    def mapInArrow(self, task: Callable[[Any], Any], _schema: str) -> Frame:  # noqa: N802
        return Frame([list(task(iter(batches))) for batches in self._partitions])

    def repartitionById(self, n: int, column: str) -> Frame:  # noqa: N802
        found: list[list[Any]] = [[] for _ in range(n)]
        for batch in (batch for batches in self._partitions for batch in batches):
            found[batch.column(column)[0].as_py()].append(batch)
        for batches in found:
            random.Random(7).shuffle(batches)
        return Frame(found)

    def collect(self) -> list[dict[str, Any]]:
        return [row for batches in self._partitions for batch in batches for row in batch.to_pylist()]


class Here:
    """What it asks of a cluster."""

    n_cores = 5

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, 0

    def session(self) -> Here:
        return self

    def range(self, start: int, end: int, _step: int, _partitions: int) -> Frame:
        import pyarrow as pa

        return Frame([[pa.RecordBatch.from_pydict({"id": [at]})] for at in range(start, end)])

    def run(self, job: Callable[[], Any], _report: object) -> Any:
        self.jobs += 1
        return job()


def in_bytes(matrix: Dense | Columns) -> list[bytes]:
    arrays = [matrix.values] if isinstance(matrix, Dense) else [matrix.indptr, matrix.item_idx, matrix.values]
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize("neighbors", [0, 4])
@pytest.mark.parametrize("name", ["ease", "edlae", "itemknn", "rp3beta"])
def test_the_bytes_of_our_own(name: str, neighbors: int, tmp_path: Path) -> None:
    cluster = Here(tmp_path)
    limits = Limits(threads=2, gram=partial(SparkGram, cluster, lambda *_: None))  # type: ignore[arg-type]
    rows = oracles.random_rows(11, n_users=300, n_items=60, weighted=True)
    model, parameters = MODELS[name], MODELS[name].parameters(neighbors=neighbors)
    assert in_bytes(model.fit(rows, parameters, limits).matrix) == in_bytes(model.fit(rows, parameters, Limits(threads=2)).matrix)
    assert (cluster.jobs, list(tmp_path.glob("[rp]*-*.npy"))) == (1, [])


def test_sums_are_in_the_order_of_users(tmp_path: Path) -> None:
    rows = oracles.random_rows(5, n_users=300, n_items=60)
    rows = rows.reweighted(10.0 ** np.random.default_rng(3).uniform(-5, 5, rows.n_pairs))  # in another order they are other sums
    sources = Gram(rows), SparkGram(Here(tmp_path), lambda *_: None, rows)  # type: ignore[arg-type]
    ours, theirs = (whole(source, np.float64, 2) for source in sources)
    assert theirs.tobytes() == ours.tobytes()


def test_a_cut_matrix_is_asked_for_twice_and_made_once(tmp_path: Path) -> None:
    cluster, rows = Here(tmp_path), oracles.random_rows(11, n_users=300, n_items=60)
    ours, theirs = (sparse(source, 8 * 60 * 10, 2) for source in (Gram(rows), SparkGram(cluster, lambda *_: None, rows)))  # type: ignore[arg-type]
    assert [array.tobytes() for array in theirs] == [array.tobytes() for array in ours]
    assert cluster.jobs == 1
