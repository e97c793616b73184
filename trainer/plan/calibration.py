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

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import rows as sar
from engine.fit.similarity import Similarity
from trainer.interactions.interactions import from_frames
from trainer.sources import synthetic

T = TypeVar("T")
SOURCE = "synthetic:4000x3000x400000"
WRITTEN_BYTES = 1 << 26
# Scoring runs this many times as fast as a matrix-vector product over a block that fits the cache: both wait for the cache, and
# NumPy is what the trainer has.
SCORING_PER_PRODUCT = 0.5


@dataclass(frozen=True, slots=True)
class Rates:
    """Of this machine and one thread: interactions loaded, counting steps, multiply-adds of scoring, bytes written, each in a
    second; `linear`: multiply-adds of BLAS on large matrices, with all its threads."""

    load: float
    count: float
    multiply: float
    write: float
    linear: float = 3e10


def calibrate(folder: Path) -> Rates:
    """The rates of this machine; `folder` is where artifacts will lie."""
    model = ModelSettings()
    frame = synthetic.load(SOURCE)
    sar.warm()
    load_s, interactions = _timed(lambda: from_frames([frame], SOURCE))
    n_items = len(interactions.item_ids)
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    rows = sar.fit_rows(*columns, len(interactions.user_ids), n_items, model)
    similarity = Similarity(rows.indptr, rows.indices, n_items, model)
    fit_s, _ = _timed(lambda: similarity.dense(_in_memory, 1, lambda *_: None))
    return Rates(
        load=frame.height / load_s,
        count=similarity.counting_steps() / fit_s,
        multiply=SCORING_PER_PRODUCT * _products_per_s(),
        write=_bytes_written_per_s(folder),
        linear=_algebra_per_s(),
    )


def _products_per_s() -> float:
    block = np.ones((1664, 1024), np.float32)  # 6.5 MiB, as a tile of a large catalogue
    vectors, repeats = np.ones(1024, np.float32), 100
    block @ vectors
    seconds, _ = _timed(lambda: [block @ vectors for _ in range(repeats)])
    return repeats * block.size / seconds


def _algebra_per_s() -> float:
    matrix = np.ones((1024, 1024), np.float32)
    matrix @ matrix
    seconds, _ = _timed(lambda: matrix @ matrix)
    return matrix.size * 1024 / seconds


def _bytes_written_per_s(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder if folder.is_dir() else None, buffering=0) as file:
        data = bytes(WRITTEN_BYTES)
        seconds, _ = _timed(lambda: file.write(data))
    return WRITTEN_BYTES / seconds / 2  # each byte is read once more, for its checksum


def _in_memory(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:  # noqa: ARG001
    return np.zeros(shape, dtype)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
