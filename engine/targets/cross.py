"""Products of two sets of rows of the same users, AᵀB: what users who did something with i took of j."""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.linear.gram import Source
from engine.targets.cross_kernels import fill_cross
from engine.weighing.rows import UserRows


class Cross(Source):
    """Rows of BᵀA: row j is the column of item j in AᵀB. Sums are float64 in the order of users."""

    def __init__(self, inputs: UserRows, targets: UserRows) -> None:
        self._columns = (*targets.by_item(), targets.weights, inputs.indptr, inputs.item_idx, inputs.weights)
        widths = np.repeat(inputs.widths(), targets.widths())
        self.load: Array = np.bincount(targets.item_idx, weights=widths, minlength=targets.n_items) + targets.n_items
        self.diagonal: Array = diagonal_of(inputs, targets)

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:  # noqa: ARG002 - not symmetric
        fill_cross(start, end, *self._columns, out)


def diagonal_of(inputs: UserRows, targets: UserRows) -> Array:
    """Of AᵀB, float64 (n_items): the products of both weights, over users who have an item in both."""
    mine, theirs = _keys(inputs), _keys(targets)
    both, left, right = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    products = inputs.weights[left].astype(np.float64) * targets.weights[right]
    return np.bincount(both % targets.n_items, weights=products, minlength=targets.n_items)


def _keys(rows: UserRows) -> Array:
    users = np.repeat(np.arange(rows.n_users, dtype=np.int64), rows.widths())
    keys: Array = users * rows.n_items + rows.item_idx
    return keys
