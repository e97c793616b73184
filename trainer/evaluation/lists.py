"""Lists of some users for an evaluation: the model's, made by the code that makes the lists that are served, and those of popularity."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.arrays import Array
from engine.fit.rows import Rows
from engine.ranking.explore import explore
from engine.ranking.ranked import Ranking, rank_users
from engine.score.scoring import Scale
from trainer.fitting.fit_model import Seen

_USERS = 1024  # that one thread scores at a time: a tile of the similarity is read once for all of them


def best_lists(
    rows: Rows,
    model: Mapping[str, Array],
    users: Array,
    k: int,
    threads: int,
    *,
    normalize: bool,
    ranking: Ranking | None = None,
    seen: Seen | None = None,
) -> Array:
    """item_idx int32 (users, k), best first, filled up with -1: the items that a worker would list.

    `model`: the arrays of the similarity, of a prior and of a ranking where there are some, as contract/artifacts/artifact.py names them.
    `ranking`: how lists come of scores that are served; None: unseen items, by score alone. `seen`: what users have taken, where
    that is not all that their rows hold.
    """
    how = (ranking or Ranking(k, exclude_seen=True)).measured(k)
    arrays = {**model, **_of_users(rows, users).arrays(normalize)}
    if seen is not None:
        ends, at = _places(seen.indptr, users)
        arrays |= {"seen_indptr": ends, "seen_indices": seen.indices[at]}
    scale = Scale(normalize, rows.weight_min, rows.weight_max)
    out = np.full((users.size, k), -1, np.int32)

    def fill(start: int) -> None:
        end = min(start + _USERS, users.size)
        top = rank_users(arrays, start, end, scale, how)
        if how.every:
            top, _ = explore(arrays, start, end, top, scale, how, users[start:end].astype(np.uint64))
        is_listed = np.arange(top.items.shape[1]) < top.lengths[:, None]
        out[start:end, : top.items.shape[1]] = np.where(is_listed, top.items, -1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, users.size, _USERS)))
    return out


def popular_lists(rows: Rows | Seen, n_items: int, users: Array, k: int, *, exclude_seen: bool = True) -> Array:
    """As `best_lists`: the items that most users have, without those that the user has seen, if lists leave them out; ties go to the lower
    item_idx."""
    counts = np.bincount(rows.indices, minlength=n_items)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].astype(np.int32)
    out = np.full((users.size, k), -1, np.int32)
    if not exclude_seen:
        out[:, : min(k, order.size)] = order[:k]
        return out
    for at, user in enumerate(users.tolist()):
        seen = rows.indices[rows.indptr[user] : rows.indptr[user + 1]]
        first = order[: k + seen.size]  # k of them at the least are unseen, if there are so many
        unseen = first[~np.isin(first, seen)][:k]
        out[at, : unseen.size] = unseen
    return out


def renumbered(lists: Array, items: Array) -> Array:
    """Lists of numbers of the training part as lists of those of all interactions, which `items` has for each; -1 stays."""
    return np.where(lists < 0, -1, items[lists])


def _of_users(rows: Rows, users: Array) -> Rows:
    """The rows of `users` alone, in their order."""
    indptr, at = _places(rows.indptr, users)
    chosen = (indptr, rows.indices[at], rows.affinity[at], rows.unity[at] if rows.unity.size else rows.unity)
    return Rows(*chosen, rows.exponent[users], rows.weight_min, rows.weight_max)


def _places(ends: Array, users: Array) -> tuple[Array, Array]:
    """Of the rows of `users` alone: where each begins, int64 (users + 1), and the places of their entries."""
    lengths = np.diff(ends)[users]
    indptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    return indptr, np.arange(indptr[-1]) + np.repeat(ends[users] - indptr[:-1], lengths)
