"""The weighted sum of two models: S = (1 − share) · S₁ + share · S₂, and the same of their priors.

EASE and SLIT are both regressions of the same targets, so their sum needs no scaling; other pairs may (`share` then carries it). Two
columns layouts give one, with the entries of both; else the sum is dense, in place of the first dense one. Cost: both fits, one pass.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.linear.checks import within
from engine.linear.column_kernels import summed
from engine.linear.matrix import Columns, Dense, Fitted


def blend(first: Fitted, second: Fitted, share: float = 0.5) -> Fitted:
    """Both of the same items. A dense matrix of `first`, or else of `second`, is overwritten."""
    within("blend", "share", share, 0, 1)
    return Fitted(_matrices(first.matrix, second.matrix, share), _priors(first.prior, second.prior, share))


def _matrices(first: Dense | Columns, second: Dense | Columns, share: float) -> Dense | Columns:
    if isinstance(first, Columns) and isinstance(second, Columns):
        one, two = np.float32(1.0 - share), np.float32(share)
        columns = (first.indptr, first.item_idx, first.values * one, second.indptr, second.item_idx, second.values * two)
        return Columns(*summed(*columns))
    if isinstance(first, Columns):
        return _matrices(second, first, 1.0 - share)
    values = first.values
    values *= np.float32(1.0 - share)
    if isinstance(second, Dense):
        for row, other in zip(values, second.values, strict=True):
            row += np.float32(share) * other
    else:
        indptr, item_idx, others = second.to_rows()
        for i, row in enumerate(values):
            part = slice(int(indptr[i]), int(indptr[i + 1]))
            row[item_idx[part]] += np.float32(share) * others[part]
    return Dense(values)


def _priors(first: Array | None, second: Array | None, share: float) -> Array | None:
    if first is None and second is None:
        return None
    zero = np.float32(0)
    total = (zero if first is None else first * np.float32(1.0 - share)) + (zero if second is None else second * np.float32(share))
    return np.asarray(total, np.float32)
