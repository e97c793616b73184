"""Compiled inner loops of Gram matrices: rows of XᵀX along the rows of users, and what is made of blocks of such rows."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from engine.fetching import AHEAD, fetch
from engine.linear.column_kernels import greatest


@njit(nogil=True, cache=True)
def fill(start, end, ends, users, places, indptr, item_idx, weights, upper, out):  # type: ignore[no-untyped-def]
    """Rows `start` to `end` of XᵀX, whole or (`upper`) from the diagonal on, into out float64 (end − start, n_items), zeros before.

    item_idx is of an unsigned type. Rows of users lie anywhere in memory: they are fetched ahead, and read as views.
    """
    for i in range(start, end):
        sums = out[i - start]
        for o in range(ends[i], ends[i + 1]):
            if o + AHEAD < ends[i + 1]:
                coming = users[o + AHEAD]
                first = places[o + AHEAD] if upper else indptr[coming]
                fetch(item_idx, first, indptr[coming + 1])
                fetch(weights, first, indptr[coming + 1])
            place, stop = places[o], indptr[users[o] + 1]
            first = place if upper else indptr[users[o]]
            row, row_weights = item_idx[first:stop], weights[first:stop]
            weight = np.float64(weights[place])
            for at in range(row.size):
                sums[row[at]] += weight * row_weights[at]


@njit(nogil=True, cache=True)
def normalise(start, block, left, right, norms, shrinkage):  # type: ignore[no-untyped-def]
    """Rows of G, from row `start` on, become rows of S (gram.Formula) in place, with a diagonal of 0."""
    for r in range(block.shape[0]):
        i = start + r
        for j in range(left.size):
            if block[r, j] != 0.0:
                block[r, j] = block[r, j] * left[i] * right[j] / (norms[i] * norms[j] + shrinkage)
        block[r, i] = 0.0


@njit(nogil=True, cache=True)
def keep_greatest(start, block, most, lengths, out_items, out_values):  # type: ignore[no-untyped-def]
    """Of each row of the block, from row `start` on, the `most` entries of greatest magnitude: lengths int64, out_items int32 rising,
    out_values float32 (n_items, most)."""
    magnitudes = np.empty(most, np.float64)
    for r in range(block.shape[0]):
        i = start + r
        n = greatest(block[r], most, out_items[i], magnitudes)
        for at in range(n):
            out_values[i, at] = block[r, out_items[i, at]]
        lengths[i] = n


@njit(nogil=True, cache=True)
def count_entries(start, block, lengths):  # type: ignore[no-untyped-def]
    """Entries of each row, without the diagonal, into lengths int64 (n_items)."""
    for r in range(block.shape[0]):
        n = 0
        for j in range(block.shape[1]):
            n += block[r, j] != 0.0
        lengths[start + r] = n - (block[r, start + r] != 0.0)


@njit(nogil=True, cache=True)
def keep_nearest(start, block, diagonal, indptr, out_items, out_values, rest):  # type: ignore[no-untyped-def]
    """Of each row of G without the diagonal the entries of greatest cosine, as many as its place in CSR holds.

    diagonal float64 (n_items): of G. indptr int64 (n_items + 1): no row has more room than entries. rest float64 (n_items): becomes what
    was left out of a row, over the diagonal of the same items; 0 where nothing was.
    """
    n_items = diagonal.size
    widest = 1
    for r in range(block.shape[0]):
        widest = max(widest, indptr[start + r + 1] - indptr[start + r])
    cosines = np.empty(n_items, np.float64)
    chosen, magnitudes = np.empty(widest, np.int32), np.empty(widest, np.float64)
    for r in range(block.shape[0]):
        i = start + r
        for j in range(n_items):
            cosines[j] = block[r, j] / np.sqrt(diagonal[j]) if block[r, j] != 0.0 else 0.0
        cosines[i] = 0.0
        n = greatest(cosines, indptr[i + 1] - indptr[i], chosen, magnitudes)
        for at in range(n):
            out_items[indptr[i] + at], out_values[indptr[i] + at] = chosen[at], block[r, chosen[at]]
            cosines[chosen[at]] = 0.0
        left_out, among = 0.0, 0.0
        last = 0
        for j in range(n_items):
            if last < n and chosen[last] == j:
                last += 1
            elif j != i:
                among += diagonal[j]
                if cosines[j] != 0.0:
                    left_out += block[r, j]
        rest[i] = left_out / among if left_out > 0.0 else 0.0
