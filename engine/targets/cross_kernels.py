"""Compiled inner loops of cross.py. Arrays in, arrays out."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def fill_cross(start, end, ends, users, places, target_weights, indptr, item_idx, weights, out):  # type: ignore[no-untyped-def]
    """Rows `start` to `end` of BᵀA into out float64 (end − start, n_items), zeros before.

    ends, users, places: B by item (row_kernels.occurrences), with its target_weights; indptr, item_idx, weights: the rows of A.
    """
    for j in range(start, end):
        sums = out[j - start]
        for o in range(ends[j], ends[j + 1]):
            user, weight = users[o], np.float64(target_weights[places[o]])
            for at in range(indptr[user], indptr[user + 1]):
                sums[item_idx[at]] += weight * weights[at]
