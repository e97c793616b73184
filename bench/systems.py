"""One system, measured in a process of its own: `python -m bench.systems SYSTEM FOLDER OPTIONS`.

Reads user, item, weight, time .npy of FOLDER; fits; makes the top-k lists of all users, seen items left out; writes a JSON line per
stage, and the lists as SYSTEM-items.npy (item ids, 0 for none) and SYSTEM-scores.npy. The peak of a stage is the resident
high-water mark of the process while it went on.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # else a peer would be measured with what this imports
    from engine.arrays import Array

THREADS = 2
COLUMNS = ("user", "item", "weight", "time")


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of every system."""

    similarity: str
    neighbors: int
    decay_days: float
    normalize: bool
    k: int


@dataclass(frozen=True, slots=True)
class Events:
    user: Array
    item: Array
    weight: Array
    time: Array


def measured(stage: str, work: Callable[[], Any]) -> Any:
    """Run `work`; print its seconds and peak as a JSON line."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"stage": stage, "seconds": seconds, "peak_bytes": peak}), flush=True)
    return result


def larder_fit(events: Events, task: Task, folder: Path) -> None:
    """From the arrays of ids, weights and times to the arrays of an artifact, on disk: what a trainer does after it has loaded."""
    from contract.settings.settings import ModelSettings
    from engine.fit import rows as sar
    from trainer.interactions import indexing

    model = ModelSettings(
        similarity=task.similarity,
        neighbors=task.neighbors,
        time_decay_days=task.decay_days,
        normalize=task.normalize,
    )
    measured("cold start", sar.warm)

    def create(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        array: Array = np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.dtype(dtype), shape=shape)
        return array

    def fit() -> tuple[list[int], list[int], sar.Rows]:
        item_ids, item_idx = indexing.factorize([events.item])
        user_ids, user_idx, _ = indexing.by_bucket(*indexing.factorize([events.user]))
        time = events.time if task.decay_days else None
        rows = sar.fit_rows(user_idx, item_idx, events.weight, time, len(user_ids), model)
        del user_idx, item_idx
        sar.fit_similarity(rows, len(item_ids), model, create, threads=THREADS, limit_bytes=2**40, report=lambda *_: None)
        return user_ids, item_ids, rows  # type: ignore[return-value]

    user_ids, item_ids, rows = measured("fit", fit)
    for name, values in {**rows.arrays(task.normalize), "user_ids": np.asarray(user_ids), "item_ids": np.asarray(item_ids)}.items():
        np.save(folder / f"{name}.npy", values)
    (folder / "weights.json").write_text(json.dumps([rows.weight_min, rows.weight_max]))


def larder_recommend(_events: Events | None, task: Task, folder: Path) -> tuple[Array, Array]:
    """From an artifact's arrays, mapped, to top-k arrays: what the workers do, here in threads of one process."""
    from concurrent.futures import ThreadPoolExecutor

    from engine.score import scoring
    from engine.score.warm import warm_scoring

    warm_scoring()
    paths = (path for path in folder.glob("*.npy") if path.stem not in COLUMNS)
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in paths}
    low, high = json.loads((folder / "weights.json").read_text())
    n_users, scale = len(arrays["user_ids"]), scoring.Scale(task.normalize, low, high)
    step = min(8192, -(-n_users // THREADS))

    def score(start: int) -> scoring.TopK:
        end = min(start + step, n_users)
        return scoring.score_users(arrays, start, end, scale, depth=task.k, exclude_seen=True)

    def recommend() -> list[scoring.TopK]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(score, range(0, n_users, step)))

    parts = measured("recommend", recommend)
    items = [arrays["item_ids"][row[:n]] for part in parts for row, n in zip(part.items, part.lengths, strict=True)]
    return _by_user(arrays["user_ids"], items, [row for part in parts for row in part.scores], task.k)


def recommenders(events: Events, task: Task, _folder: Path) -> tuple[Array, Array]:
    import pandas as pd

    from trainer.fitting.recommenders_sar import SAR

    columns = {"userID": events.user, "itemID": events.item, "rating": events.weight.astype(np.float64), "timestamp": events.time}
    frame = pd.DataFrame(columns)
    names = {"col_user": "userID", "col_item": "itemID", "col_rating": "rating", "col_timestamp": "timestamp"}
    decay = {"time_decay_coefficient": task.decay_days or 1, "timedecay_formula": task.decay_days > 0}

    def new() -> Any:
        return SAR(similarity_type=task.similarity, normalize=task.normalize, **names, **decay)

    sar = new()

    def warm() -> None:
        small = new()
        small.fit(frame.head(1000))
        small.recommend_k_items(frame.head(1000), top_k=task.k, remove_seen=True)

    measured("cold start", warm)
    measured("fit", lambda: sar.fit(frame))
    lists = measured("recommend", lambda: sar.recommend_k_items(frame, top_k=task.k, remove_seen=True))
    groups = {user: (rows["itemID"].to_numpy(), rows["prediction"].to_numpy()) for user, rows in lists.groupby("userID")}
    users = np.array(sorted(groups))
    return _by_user(users, [groups[user][0] for user in users], [groups[user][1] for user in users], task.k)


def implicit(events: Events, task: Task, _folder: Path) -> tuple[Array, Array]:
    from implicit.nearest_neighbours import CosineRecommender
    from scipy import sparse

    user_ids, user = np.unique(events.user, return_inverse=True)
    item_ids, item = np.unique(events.item, return_inverse=True)
    matrix = sparse.csr_matrix((events.weight, (user, item)), shape=(len(user_ids), len(item_ids)))
    model = CosineRecommender(K=task.neighbors or 50, num_threads=THREADS)
    measured("fit", lambda: model.fit(matrix, show_progress=False))
    items, scores = measured(
        "recommend", lambda: model.recommend(np.arange(len(user_ids)), matrix, N=task.k, filter_already_liked_items=True)
    )
    return item_ids[np.maximum(items, 0)], scores


def _by_user(users: Array, items: list[Array], scores: list[Array], k: int) -> tuple[Array, Array]:
    """Lists in the order of user ids, padded with 0."""
    all_items, all_scores = np.zeros((len(users), k), np.int64), np.zeros((len(users), k), np.float64)
    for row, user in enumerate(np.argsort(users, kind="stable")):
        n = min(k, len(items[user]))
        all_items[row, :n], all_scores[row, :n] = items[user][:n], scores[user][:n]
    return all_items, all_scores


SYSTEMS: dict[str, Callable[[Any, Task, Path], tuple[Array, Array] | None]] = {
    "larder-fit": larder_fit,
    "larder-recommend": larder_recommend,
    "recommenders": recommenders,
    "implicit": implicit,
}


def main() -> None:
    system, folder, task = sys.argv[1], Path(sys.argv[2]), Task(**json.loads(sys.argv[3]))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    warnings.simplefilter("ignore")
    events = None if system == "larder-recommend" else Events(*(np.load(folder / f"{name}.npy") for name in COLUMNS))
    if (lists := SYSTEMS[system](events, task, folder)) is not None:
        name = system.partition("-")[0]
        np.save(folder / f"{name}-items.npy", lists[0])
        np.save(folder / f"{name}-scores.npy", lists[1])


if __name__ == "__main__":
    main()
