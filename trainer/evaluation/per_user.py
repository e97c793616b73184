"""Ranking metrics user by user: what recommenders' means (metrics.py) are made of, so that two models can be compared on the same users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Array


@dataclass(frozen=True, slots=True)
class PerUser:
    """float64 (n_users) each: `ndcg`, `precision`, `recall`, `map` of one user's list, in the order of `users`."""

    users: Array
    ndcg: Array
    precision: Array
    recall: Array
    map: Array


def per_user(user_idx: Array, item_idx: Array, users: Array, lists: Array) -> PerUser:
    """Metrics at k = lists.shape[1] of `lists` of `users` (users, k; -1: no item) against distinct pairs that were to be found.

    `users`: distinct, rising, each with a pair at the least. The means are those of recommenders: relevance is 0 or 1, and an average
    precision is divided by all that was to be found.
    """
    k = lists.shape[1]
    wanted = np.bincount(np.searchsorted(users, user_idx), minlength=users.size)
    n_items = int(max(lists.max(initial=0), item_idx.max(initial=0))) + 1
    pairs = np.sort(user_idx.astype(np.int64) * n_items + item_idx)
    asked = users.astype(np.int64)[:, None] * n_items + lists
    at = np.minimum(np.searchsorted(pairs, asked), pairs.size - 1)
    hits = (pairs[at] == asked) & (lists >= 0)
    ranks = np.arange(1, k + 1)
    gains = 1.0 / np.log2(1.0 + ranks)
    best = np.concatenate(([0.0], np.cumsum(gains)))[np.minimum(wanted, k)]
    found = hits.sum(axis=1)
    return PerUser(
        users=users,
        ndcg=(hits @ gains) / best,
        precision=found / k,
        recall=found / wanted,
        map=(hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1) / wanted,
    )
