"""Ranking metrics user by user, from one look at which places of the lists are found: all that an evaluation says is made of these.

Relevance is 0 or 1, and an average precision is divided by all that was to be found: the means are those of recommenders
(recommenders.evaluation.python_evaluation, 1.2.1), and tests hold them to the library. But a user with an empty list, or with places
without an item, has misses there: the library averages over users who have a list, so that a model could shine by answering few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.arrays import Array


@dataclass(frozen=True, slots=True)
class PerUser:
    """float64 (n_users) each: `ndcg`, `precision`, `recall`, `map` of one user's list, in the order of `users`.

    `wanted`: how many pairs each had to find; `hits` bool (n_users, k): the places of the lists that are found.
    """

    users: Array
    wanted: Array
    hits: Array
    ndcg: Array
    precision: Array
    recall: Array
    map: Array

    @classmethod
    def of(cls, users: Array, wanted: Array, hits: Array) -> Self:
        k = hits.shape[1]
        ranks = np.arange(1, k + 1)
        gains = 1.0 / np.log2(1.0 + ranks)
        best = np.concatenate(([0.0], np.cumsum(gains)))[np.minimum(wanted, k)]
        found = hits.sum(axis=1)
        return cls(
            users=users,
            wanted=wanted,
            hits=hits,
            ndcg=(hits @ gains) / best,
            precision=found / k,
            recall=found / wanted,
            map=(hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1) / wanted,
        )

    def at(self, k: int) -> PerUser:
        """Of the first `k` places."""
        return self if k >= self.hits.shape[1] else PerUser.of(self.users, self.wanted, self.hits[:, :k])


def per_user(user_idx: Array, item_idx: Array, users: Array, lists: Array) -> PerUser:
    """Metrics at k = lists.shape[1] of `lists` of `users` (users, k; -1: no item) against distinct pairs that were to be found.

    `users`: distinct, rising, each with a pair at the least.
    """
    wanted = np.bincount(np.searchsorted(users, user_idx), minlength=users.size)
    n_items = int(max(lists.max(initial=0), item_idx.max(initial=0))) + 1
    pairs = np.sort(user_idx.astype(np.int64) * n_items + item_idx)
    asked = users.astype(np.int64)[:, None] * n_items + lists
    at = np.minimum(np.searchsorted(pairs, asked), pairs.size - 1)
    return PerUser.of(users, wanted, (pairs[at] == asked) & (lists >= 0))
