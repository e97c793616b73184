"""Compiled inner loops of mixing columns of an items × items matrix: each with those of other items (engine/models/newcomers.py).

A mix in CSC: column j becomes share[j] times itself plus, for the entries of column j of the mix, value times column item_idx. own float
(n_items): what the diagonal counts as while it is mixed; it is then kept as it was.
"""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from engine.linear.column_kernels import greatest


@njit(nogil=True, cache=True)
def mix_rows(start, block, own, share, indptr, item_idx, values):  # type: ignore[no-untyped-def]
    """Rows from `start` on, float32 (rows, n_items or more), in place."""
    n_items = share.size
    row = np.empty(n_items, np.float32)
    for r in range(block.shape[0]):
        i = start + r
        row[:] = block[r, :n_items]
        row[i] = own[i]
        for j in range(n_items):
            if j == i:
                continue
            total = share[j] * row[j]
            for at in range(indptr[j], indptr[j + 1]):
                total += values[at] * row[item_idx[at]]
            block[r, j] = total


@njit(nogil=True, cache=True)
def mix_columns(start, end, matrix, own, share, mix, most, lengths, ends, out_items, out_values):  # type: ignore[no-untyped-def]
    """Columns `start` to `end` of `matrix`, a CSC (indptr, item_idx, values) as `mix` is, each cut to the most[j] of greatest magnitude.

    Without room in out_items the entries are counted into lengths int64 (n_items) alone; else column j is written from ends[j] on.
    """
    indptr, item_idx, values = matrix
    mix_indptr, mix_items, mix_values = mix
    sums = np.zeros(share.size, np.float64)
    magnitudes = np.empty(most[start:end].max(), np.float64)
    chosen = np.empty(magnitudes.size, np.int32)
    for j in range(start, end):
        sums[:] = 0.0
        diagonal = 0.0
        for at in range(indptr[j], indptr[j + 1]):
            sums[item_idx[at]] += share[j] * values[at]
            if item_idx[at] == j:
                diagonal = values[at]
        for m in range(mix_indptr[j], mix_indptr[j + 1]):
            other = mix_items[m]
            for at in range(indptr[other], indptr[other + 1]):
                if item_idx[at] != other:
                    sums[item_idx[at]] += mix_values[m] * values[at]
            sums[other] += mix_values[m] * own[other]
        sums[j] = diagonal
        if out_items.size == 0:
            n = 0
            for i in range(sums.size):
                n += sums[i] != 0.0
            lengths[j] = min(n, most[j])
            continue
        n = greatest(sums, most[j], chosen, magnitudes)
        for at in range(n):
            out_items[ends[j] + at], out_values[ends[j] + at] = chosen[at], sums[chosen[at]]
