"""Compiled inner loops of the similarity: from the counts of an item's row to the formula, then to what is kept.

The functions release the GIL: similarity.py runs them in threads.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.fit.counting_kernels import count_item, count_touched

COOCCURRENCE, COSINE, INCLUSION, JACCARD, LEXICOGRAPHERS, LIFT, INFORMATION = range(7)
SIMILARITIES = (
    "cooccurrence",
    "cosine",
    "inclusion index",
    "jaccard",
    "lexicographers mutual information",
    "lift",
    "mutual information",
)


@njit(nogil=True, cache=True, error_model="numpy")  # no test for a zero divisor, which would keep LLVM from using vectors
def similarities(kind, counts, threshold, f, f_i, n_items, values):  # type: ignore[no-untyped-def]
    """values float32 from whole counts, which become 0 again. recommenders/utils/python_utils.py has the formulas; 0 for no count.

    f int32: frequencies of the items; f_i, float64: that of the row's. One plain loop per formula, so that LLVM can use vectors.
    """
    n = counts.size
    for j in range(n):
        if counts[j] < threshold:
            counts[j] = 0
    if kind == COOCCURRENCE:
        for j in range(n):
            values[j] = counts[j]
    elif kind == COSINE:
        for j in range(n):
            values[j] = counts[j] / math.sqrt(f_i * f[j])
    elif kind == INCLUSION:
        for j in range(n):
            values[j] = counts[j] / min(f_i, f[j])
    elif kind == JACCARD:
        for j in range(n):
            values[j] = counts[j] / (f_i + f[j] - counts[j])
    elif kind == LIFT:
        for j in range(n):
            values[j] = counts[j] / (f_i * f[j])
    else:
        for j in range(n):
            values[j] = 0.0
            if counts[j] > 0:
                information = math.log2(n_items * (counts[j] / (f_i * f[j])))
                values[j] = counts[j] * information if kind == LEXICOGRAPHERS else information
    counts[:] = 0


@njit(nogil=True, cache=True)
def fill_dense(tiles, first, start, end, events, f, kind, threshold):  # type: ignore[no-untyped-def]
    """Similarities of items `start` to `end` with all items, into tiles float32 (n_tiles, items from `first` on, 64)."""
    n_items = f.size
    counts, values = np.zeros(n_items, np.int32), np.empty(n_items, np.float32)
    for i in range(start, end):
        count_item(i, events, counts)
        similarities(kind, counts, threshold, f, np.float64(f[i]), n_items, values)
        for t in range(tiles.shape[0]):
            width = min(TILE, n_items - t * TILE)
            tiles[t, i - first, :width] = values[t * TILE : t * TILE + width]


@njit(nogil=True, cache=True)
def rows_sparse(start, end, events, f, kind, threshold, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Whole rows `start` to `end` in CSR, after each other; the number of entries.

    Out: lengths int64 (rows), indices int32 rising within a row, data float32. With empty out_indices it only counts.
    """
    n_items = f.size
    counts = np.zeros(n_items, np.int32)
    touched = np.empty(n_items + 1, np.int32)
    few, many, values = np.empty(n_items, np.int32), np.empty(n_items, np.int32), np.empty(n_items, np.float32)
    filled = 0
    for i in range(start, end):
        n = count_touched(i, events, counts, touched)
        row = np.sort(touched[:n])
        for at in range(n):
            few[at], many[at] = counts[row[at]], f[row[at]]
            counts[row[at]] = 0
        similarities(kind, few[:n], threshold, many[:n], np.float64(f[i]), n_items, values[:n])
        before = filled
        for at in range(n):
            if values[at] != 0.0:
                if out_indices.size > 0:
                    out_indices[filled], out_data[filled] = row[at], values[at]
                filled += 1
        lengths[i - start] = filled - before
    return filled
