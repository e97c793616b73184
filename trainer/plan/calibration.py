"""How fast this machine is at what a run does: a small run of about a second."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from contract.artifacts.artifact import TILE
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import rows as sar
from engine.fit.similarity import Similarity
from engine.ranking.ranked import Ranking, rank_users, ranking_arrays
from engine.score.scoring import Scale, score_users
from trainer.interactions.interactions import from_frames
from trainer.sources import synthetic

T = TypeVar("T")
SOURCE = "synthetic:4000x3000x400000"
WRITTEN_BYTES = 1 << 26
ROUNDS = 3
TILE_ITEMS, SCORED_USERS, ROW = 26_000, 16_000, 128  # a tile of a large catalogue, in which users have so many items each
RERANKED = 2_000_000  # places of lists times items of pools, at the most or of one user, that diverse lists are timed with


@dataclass(frozen=True, slots=True)
class Rates:
    """Of this machine and one thread: interactions loaded, counting steps, multiply-adds of scoring, bytes written, each in a
    second; `linear`: multiply-adds of BLAS on large matrices, with all its threads; `diverse_s`: seconds that one user's list takes
    beyond scoring where it is made diverse as the settings say."""

    load: float
    count: float
    multiply: float
    write: float
    linear: float = 3e10
    diverse_s: float = 0.0


def calibrate(folder: Path, asked: ModelSettings) -> Rates:
    """The rates of this machine; `folder` is where artifacts will lie, `asked` says whether lists are diverse, and how deep."""
    model = ModelSettings()
    frame = synthetic.load(SOURCE)
    load_s, interactions = best_of(lambda: from_frames([frame], SOURCE))
    n_items = len(interactions.item_ids)
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    rows = sar.fit_rows(*columns, len(interactions.user_ids), model)
    similarity = Similarity(rows.indptr, rows.indices, n_items, model)
    fit_s, _ = best_of(lambda: similarity.dense(_in_memory, 1, lambda *_: None))
    return Rates(
        load=frame.height / load_s,
        count=similarity.counting_steps() / fit_s,
        multiply=_multiply_adds_per_s(model),
        write=_bytes_written_per_s(folder),
        linear=_algebra_per_s(),
        diverse_s=_diverse_s(similarity, rows, asked) if asked.diversity else 0.0,
    )


def _diverse_s(similarity: Similarity, rows: sar.Rows, asked: ModelSettings) -> float:
    """Of one user: the wider pool, and the list that is made of it. Not of the model that is planned, but as deep and as diverse."""
    known: dict[str, Array] = {**rows.arrays(asked.normalize)}

    def allocate(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        known[name] = np.zeros(shape, dtype)
        return known[name]

    similarity.dense(allocate, 1, lambda *_: None)
    plain = asked.model_copy(update={"diversity": 0.0, "popularity_penalty": 0.0, "max_per_category": 0})
    diverse, scale = plain.model_copy(update={"diversity": asked.diversity}), Scale(asked.normalize, rows.weight_min, rows.weight_max)
    arrays = {**known, **ranking_arrays(diverse, known, np.empty(0, np.int64))}
    how = Ranking.of(diverse)
    n_users = max(1, min(rows.exponent.size, RERANKED // (how.depth * how.pooled)))
    with_it, _ = best_of(lambda: rank_users(arrays, 0, n_users, scale, how))
    without, _ = best_of(lambda: rank_users(known, 0, n_users, scale, Ranking.of(plain)))
    return max(0.0, with_it - without) / n_users


def _multiply_adds_per_s(model: ModelSettings) -> float:
    """Of what workers run, on one tile: BLAS would wait for its threads where others use the cores."""
    popular_first = np.random.default_rng(0).random((SCORED_USERS, ROW)) ** 2
    indices = (TILE_ITEMS * popular_first).astype(np.int32)
    ones = np.ones(indices.size, np.float32)
    arrays: dict[str, Array] = {
        "similarity": np.ones((1, TILE_ITEMS, TILE), np.float32),
        "indptr": np.arange(0, indices.size + 1, ROW, dtype=np.int64),
        "indices": np.sort(indices, axis=1).ravel(),
        "affinity": ones,
        "unity": ones,
        "exponent": np.zeros(SCORED_USERS, np.int32),
    }
    scale = Scale(model.normalize, 1.0, 1.0)
    seconds, _ = best_of(lambda: score_users(arrays, 0, SCORED_USERS, scale, depth=model.stored_depth, exclude_seen=True))
    return indices.size * TILE / seconds


def _algebra_per_s() -> float:
    matrix = np.ones((1024, 1024), np.float32)
    seconds, _ = best_of(lambda: matrix @ matrix)
    return matrix.size * 1024 / seconds


def _bytes_written_per_s(folder: Path) -> float:
    data = bytes(WRITTEN_BYTES)
    with tempfile.TemporaryFile(dir=folder if folder.is_dir() else None, buffering=0) as file:

        def write() -> None:
            file.seek(0)
            file.truncate()
            file.write(data)

        seconds, _ = best_of(write)
    return WRITTEN_BYTES / seconds / 2  # each byte is read once more, for its checksum


def _in_memory(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:  # noqa: ARG001
    return np.zeros(shape, dtype)


def best_of(work: Callable[[], T], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter) -> tuple[float, T]:
    """The least seconds of some rounds, and what the last one made. The first round of all is not timed: it compiles kernels, or
    reads them from the disk, and wakes the threads of BLAS."""
    result, seconds = work(), []
    for _ in range(rounds):
        start = clock()
        result = work()
        seconds.append(clock() - start)
    return min(seconds), result
