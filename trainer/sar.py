"""SAR's fit: interactions → decayed affinities (CSR) and item-item similarity, deterministic and in bounded memory.

Formulas: recommenders 1.2.1, sar_singlenode.py and python_utils.py. Where that library is wrong (zero weights, repeated pairs,
decay that underflows) this module is right; tests/unit/trainer/test_library_bugs.py shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from contract.errors import SettingsError
from contract.settings import ModelSettings
from trainer import kernels

Array = npt.NDArray[Any]
DAY_S = 86400
_SAMPLED_ROWS = 256  # of the similarity, to tell whether it is dense


class Allocate(Protocol):
    """Makes a zeroed array: in memory, or mapped into an artifact."""

    def __call__(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array: ...


Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Users × items in CSR, named and typed as in contract/artifact.py; `weight_min` and `_max` span the decayed affinities."""

    indptr: Array
    indices: Array
    affinity: Array
    unity: Array
    exponent: Array
    weight_min: float
    weight_max: float

    def arrays(self, normalize: bool) -> Mapping[str, Array]:
        """What an artifact holds of them: unit weights only serve normalised scores."""
        names = ("indptr", "indices", "affinity", "exponent", *(("unity",) if normalize else ()))
        return {name: getattr(self, name) for name in names}


def fit_rows(user_idx: Array, item_idx: Array, weight: Array, time: Array | None, n_users: int, n_items: int, model: ModelSettings) -> Rows:
    """Affinities from events: user_idx, item_idx int32, weight float32 > 0, time int64 epoch seconds or None, all of one length."""
    ends, order = kernels.rows_by_user(user_idx, item_idx, n_users, n_items)
    decays = time is not None and model.time_decay_days > 0
    age = time.max() - time if decays and time is not None else np.empty(0, np.int64)
    return Rows(*kernels.affinities(ends, order, item_idx, weight, age, model.time_decay_days * DAY_S))


def fit_similarity(
    rows: Rows, n_items: int, model: ModelSettings, allocate: Allocate, *, threads: int, limit_bytes: float, report: Report
) -> str:
    """Fill the similarity in the layout that takes less room, "dense" or "sparse", and return which (arrays: contract/artifact.py).

    Raises SettingsError before it begins when the smaller one would take more than `limit_bytes`.
    """
    counted = (*kernels.transpose(rows.indptr, rows.indices, n_items), rows.indptr, rows.indices)
    how = (kernels.SIMILARITIES.index(model.similarity), model.threshold)
    n_tiles = -(-n_items // kernels.TILE)
    dense_bytes = 4 * kernels.TILE * n_tiles * n_items
    sparse_bytes = _sparse_bytes(counted, how, n_items)
    if min(dense_bytes, sparse_bytes) > limit_bytes:
        raise SettingsError(
            f"the similarity of {n_items:,} items would take {min(dense_bytes, sparse_bytes) / 2**30:.1f} GiB, and the limit is "
            f"{limit_bytes / 2**30:.1f}: raise LARDER_MAX_MEMORY_GB, or LARDER_THRESHOLD to drop rare co-occurrences"
        )
    blocks = _blocks_of_equal_work(counted[0], rows, n_items)
    if dense_bytes <= sparse_bytes:
        tiles = allocate("similarity", np.float32, (n_tiles, n_items, kernels.TILE))
        _in_threads(lambda start, end: kernels.fill_dense(tiles, start, end, *counted, *how), blocks, threads, report)
        return "dense"
    lengths = np.empty(n_items, np.int64)
    none = (np.empty(0, np.int32), np.empty(0, np.float32))
    _in_threads(
        lambda start, end: kernels.rows_sparse(start, end, *counted, *how, n_items, lengths[start:end], *none),
        blocks,
        threads,
        lambda done, total: report(done, 2 * total),
    )
    indptr = allocate("similarity_indptr", np.int64, (n_items + 1,))
    indptr[1:] = np.cumsum(lengths)
    indices = allocate("similarity_indices", np.int32, (int(indptr[-1]),))
    data = allocate("similarity_data", np.float32, (int(indptr[-1]),))

    def fill(start: int, end: int) -> None:
        part = slice(int(indptr[start]), int(indptr[end]))
        if part.start < part.stop:
            kernels.rows_sparse(start, end, *counted, *how, n_items, lengths[start:end], indices[part], data[part])

    _in_threads(fill, blocks, threads, lambda done, total: report(total + done, 2 * total))
    return "sparse"


def warm() -> None:
    """Compile, or load from Numba's cache, what a fit calls. Starts no thread: an RQ worker calls it before it forks."""
    model = ModelSettings()
    one = np.zeros(1, np.int32)
    rows = fit_rows(one, one, np.ones(1, np.float32), np.zeros(1, np.int64), 1, 1, model)
    counted = (*kernels.transpose(rows.indptr, rows.indices, 1), rows.indptr, rows.indices)
    kernels.fill_dense(np.zeros((1, 1, kernels.TILE), np.float32), 0, 1, *counted, 0, 1)
    kernels.rows_sparse(0, 1, *counted, 0, 1, 1, np.empty(1, np.int64), np.empty(1, np.int32), np.empty(1, np.float32))


def _sparse_bytes(counted: tuple[Array, ...], how: tuple[int, int], n_items: int) -> int:
    """Bytes of the sparse layout, estimated from evenly spaced rows (exact for small catalogues)."""
    step = -(-n_items // _SAMPLED_ROWS)
    lengths, none = np.empty(1, np.int64), (np.empty(0, np.int32), np.empty(0, np.float32))
    sampled = [kernels.rows_sparse(i, i + 1, *counted, *how, n_items, lengths, *none) for i in range(0, n_items, step)]
    return int(8 * (n_items + 1) + 8 * n_items * sum(sampled) / len(sampled))


def _blocks_of_equal_work(item_ends: Array, rows: Rows, n_items: int) -> list[tuple[int, int]]:
    """Item ranges of about equal counting work, a multiple of a tile wide so that no two threads share a cache line."""
    widths = np.diff(rows.indptr)
    mean_width = float((widths.astype(np.float64) ** 2).sum() / max(1, widths.sum()))
    work = np.cumsum(np.diff(item_ends) * mean_width + n_items / 8)
    n_blocks = max(1, min(256, -(-n_items // kernels.TILE)))
    cuts = np.searchsorted(work, np.linspace(0, work[-1], n_blocks + 1)[1:-1]) // kernels.TILE * kernels.TILE
    edges = np.unique(np.concatenate(([0], cuts, [n_items]))).tolist()
    return list(pairwise(edges))


def _in_threads(work: Callable[[int, int], object], blocks: list[tuple[int, int]], threads: int, report: Report) -> None:
    """Call `work` for every block. Threads are ours, since Numba's own do not survive the fork of an RQ work-horse."""
    with ThreadPoolExecutor(threads) as pool:
        for done, future in enumerate(as_completed([pool.submit(work, *block) for block in blocks]), start=1):
            future.result()
            report(done, len(blocks))
