"""SAR's fit: interactions → decayed affinities (CSR) and item-item similarity, deterministic and in bounded memory.

Formulas: recommenders 1.2.1, sar_singlenode.py and python_utils.py. Where that library is wrong (zero weights, repeated pairs,
decay that underflows) this module is right; tests/unit/engine/fit/test_library_bugs.py shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from contract.errors import SettingsError
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.blocks import RELEASE_EVERY, in_blocks, release
from engine.fit import row_kernels, similarity
from engine.fit.similarity import Choice, Fitted, Similarity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Rows:
    """Users × items in CSR, named and typed as in contract/artifacts/artifact.py; `weight_min` and `_max` span the decayed affinities."""

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


def rows_by_user(user_idx: Array, item_idx: Array, n_users: int, threads: int = 1) -> tuple[Array, Array, Array]:
    """Events in order of user, then item, then input: ends of users, int64 (n_users + 1), and positions, int32; and `indptr`, int64
    (n_users + 1), of rows with one entry for a user and an item."""
    ends, order = row_kernels.group(user_idx, n_users)
    indptr = np.zeros(n_users + 1, np.int64)
    _by_users(ends, lambda start, end: row_kernels.order_rows(start, end, ends, order, item_idx, indptr), threads)
    return ends, order, np.cumsum(indptr, out=indptr)


def fit_rows(
    user_idx: Array,
    item_idx: Array,
    weight: Array,
    time: Array | None,
    n_users: int,
    model: ModelSettings,
    now: int | None = None,
    *,
    threads: int = 1,
    allocate: Allocate | None = None,
) -> Rows:
    """Affinities from events: user_idx, item_idx int32, weight float32 > 0, time int64 epoch seconds or None, all of one length.

    `now`: to which they decay, by default the newest time; later events have age 0. `allocate`: where the arrays lie that an artifact
    has; their pages are given back as they are filled.
    """
    ends, order, indptr = rows_by_user(user_idx, item_idx, n_users, threads)
    times = np.empty(0, np.int64) if time is None or model.time_decay_days <= 0 else time
    newest = int(times.max()) if times.size else 0
    half_life, to = model.time_decay_days * DAY_S, newest if now is None else now
    made = {"indices": np.dtype(np.int32), "affinity": np.dtype(np.float32), "unity": np.dtype(np.float32)}
    mapped = {name for name in made if allocate is not None and (model.normalize or name != "unity")}
    n_pairs = (int(indptr[-1]),)
    filled = {
        name: allocate(name, dtype, n_pairs) if allocate is not None and name in mapped else np.empty(n_pairs, dtype)
        for name, dtype in made.items()
    }
    exponent = np.zeros(n_users, np.int32)
    arrays = (indptr, *(np.asarray(array) for array in filled.values()), exponent)
    extremes: list[tuple[float, float]] = []

    def fill(start: int, end: int) -> None:
        extremes.append(row_kernels.affinities(start, end, ends, order, item_idx, weight, times, to, half_life, *arrays))

    def give_back(done: int, total: int) -> None:
        if done == total or done % RELEASE_EVERY == 0:
            for array in filled.values():
                release(array)

    _by_users(ends, fill, threads, give_back)
    least, most = zip(*extremes, strict=True)
    return Rows(indptr, **filled, exponent=exponent, weight_min=min(least), weight_max=max(most))


def _by_users(ends: Array, work: Callable[[int, int], object], threads: int, report: Report = lambda *_: None) -> None:
    """Call `work` with the start and the end of each block of users; in one thread with all of them, and no thread begins."""
    if threads > 1:
        in_blocks(work, np.diff(ends), threads, report)
    else:
        work(0, ends.size - 1)
        report(1, 1)


def fit_similarity(
    rows: Rows, n_items: int, model: ModelSettings, allocate: Allocate, *, threads: int, limit_bytes: float, report: Report
) -> Fitted:
    """Fill the similarity in the layout that `Similarity.choose` names (arrays: contract/artifacts/artifact.py).

    With `model.neighbors` a row keeps the item itself and that many others, and the layout is sparse. Raises SettingsError before
    it begins when the similarity would take more than `limit_bytes`, with the number of neighbors that would fit.
    """
    fit, choice = chosen(rows, n_items, model, limit_bytes)
    fill = fit.neighbors if model.neighbors else fit.dense if choice.layout == "dense" else fit.sparse
    return fill(allocate, threads, report)


def chosen(rows: Rows, n_items: int, model: ModelSettings, limit_bytes: float) -> tuple[Similarity, Choice]:
    """The fit that is to be, and its layout. Raises as `fit_similarity`."""
    fit = Similarity(rows.indptr, rows.indices, n_items, model)
    choice = fit.choose(limit_bytes)
    if choice.n_bytes > limit_bytes:
        fitting = fit.neighbors_in(limit_bytes)
        nearest = f", or keep the nearest items only, with --neighbors {fitting} or fewer" if fitting else ""
        raise SettingsError(
            f"the similarity of {n_items:,} items would take {choice.n_bytes / 2**30:.2f} GiB, and the limit is "
            f"{limit_bytes / 2**30:.2f}: raise LARDER_MAX_MEMORY_GB{nearest}"
        )
    return fit, choice


def warm() -> None:
    """Compile, or load from Numba's cache, what a fit calls. Starts no thread: an RQ worker calls it before it forks."""
    one = np.zeros(1, np.int32)
    fit_rows(one, one, np.ones(1, np.float32), np.zeros(1, np.int64), 1, ModelSettings())
    similarity.warm()
