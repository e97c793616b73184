"""Users × items in CSR: what every model of the family is fitted on, and what its scores are made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.arrays import Array
from engine.fit.rows import rows_by_user
from engine.weighing import row_kernels as kernels

_SHORT = 1 << 15


@dataclass(frozen=True)
class UserRows:
    """One row per user, one entry per distinct pair of user and item.

    indptr     int64 (n_users + 1)
    item_idx   int32, or int16 where items are at most 32,768 (n_pairs): rising within a row, no item twice
    weights    float32 (n_pairs): of the pair, the sum over its events
    timestamps int64 (n_pairs): epoch seconds of the pair's newest event; None where events have no times
    """

    indptr: Array
    item_idx: Array
    weights: Array
    timestamps: Array | None
    n_items: int

    @property
    def n_users(self) -> int:
        return self.indptr.size - 1

    @property
    def n_pairs(self) -> int:
        return self.item_idx.size

    @cached_property
    def newest(self) -> int:
        """Epoch seconds of the newest event of all; 0 where there is none."""
        return int(self.timestamps.max()) if self.timestamps is not None and self.timestamps.size else 0

    def by_item(self) -> ByItem:
        """Made anew by each call: 12 bytes a pair, which whoever counts lets go of."""
        return ByItem(*kernels.occurrences(self.indptr, self.item_idx, self.n_items))

    def reweighted(self, weights: Array) -> UserRows:
        """The same pairs with other weights, which become float32."""
        return replace(self, weights=np.ascontiguousarray(weights, np.float32))

    def widths(self) -> Array:
        """Items of every user, int64 (n_users)."""
        return np.diff(self.indptr)

    def row_sums(self) -> Array:
        """Weights of every user, added up in float64 (n_users)."""
        sums: Array = kernels.row_sums(self.indptr, self.weights)
        return sums

    def item_sums(self) -> Array:
        """Weights of every item, added up in float64 (n_items)."""
        return np.bincount(self.item_idx, weights=self.weights, minlength=self.n_items)

    def item_counts(self) -> Array:
        """Users of every item, int64 (n_items)."""
        return np.bincount(self.item_idx, minlength=self.n_items)


class ByItem(NamedTuple):
    """The transpose of rows: ends int64 (n_items + 1); users int32 and at int64 (n_pairs), the user and the place in the row's arrays."""

    ends: Array
    users: Array
    at: Array


def rows_of_events(user_idx: Array, item_idx: Array, weights: Array, timestamps: Array | None, n_users: int, n_items: int) -> UserRows:
    """Rows from events in any order: user_idx, item_idx integers; weights float32; timestamps int64 or None; all of one length."""
    _, order, _ = rows_by_user(user_idx, item_idx, n_users)
    users, items = user_idx[order], item_idx[order]
    first = np.ones(order.size, bool)
    first[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
    starts = np.flatnonzero(first)
    indptr = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(users[starts], minlength=n_users), out=indptr[1:])
    summed = np.add.reduceat(weights[order].astype(np.float64), starts) if starts.size else np.empty(0)
    newest = None
    if timestamps is not None:
        newest = np.maximum.reduceat(timestamps[order].astype(np.int64), starts) if starts.size else np.empty(0, np.int64)
    kept = items[starts].astype(np.int16 if n_items <= _SHORT else np.int32)
    return UserRows(indptr, kept, summed.astype(np.float32), newest, n_items)
