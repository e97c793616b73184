"""Compiled inner loops over columns of an items × items matrix: choosing the greatest, transposing, mirroring."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

TILE = 64


@njit(nogil=True, cache=True)
def _worse(magnitudes, items, a, b):  # type: ignore[no-untyped-def]
    """Whether heap place a holds less than b: a smaller magnitude, or the same of a later item."""
    return magnitudes[a] < magnitudes[b] or (magnitudes[a] == magnitudes[b] and items[a] > items[b])


@njit(nogil=True, cache=True)
def _sift_down(magnitudes, items, n):  # type: ignore[no-untyped-def]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            return
        if child + 1 < n and _worse(magnitudes, items, child + 1, child):
            child += 1
        if not _worse(magnitudes, items, child, at):
            return
        magnitudes[at], magnitudes[child] = magnitudes[child], magnitudes[at]
        items[at], items[child] = items[child], items[at]
        at = child


@njit(nogil=True, cache=True)
def greatest(values, most, items, magnitudes):  # type: ignore[no-untyped-def]
    """Places of the `most` values of greatest magnitude that are not 0, rising, into items[:n]; n. Ties: the lower place.

    items int32 and magnitudes float64 (most): the latter is only worked in. A heap: n log most at the worst, whatever the order.
    """
    n = 0
    bound = 0.0
    for j in range(values.size):
        size = abs(values[j])
        if not size > bound:
            continue
        if n < most:
            at = n
            magnitudes[at], items[at] = size, j
            n += 1
            while at > 0 and _worse(magnitudes, items, at, (at - 1) // 2):
                parent = (at - 1) // 2
                magnitudes[at], magnitudes[parent] = magnitudes[parent], magnitudes[at]
                items[at], items[parent] = items[parent], items[at]
                at = parent
        else:
            magnitudes[0], items[0] = size, j
            _sift_down(magnitudes, items, n)
        if n == most:
            bound = magnitudes[0]
    items[:n].sort()
    return n


@njit(nogil=True, cache=True)
def transposed(indptr, item_idx, values):  # type: ignore[no-untyped-def]
    """CSC as CSR, or the other way round, of a square matrix: indptr int64, item_idx int32 rising within a row, values."""
    n = indptr.size - 1
    ends = np.zeros(n + 1, np.int64)
    for item in item_idx:
        ends[item + 1] += 1
    for i in range(n):
        ends[i + 1] += ends[i]
    free = ends[:-1].copy()
    others, out = np.empty(item_idx.size, np.int32), np.empty(values.size, values.dtype)
    for j in range(n):
        for at in range(indptr[j], indptr[j + 1]):
            to = free[item_idx[at]]
            others[to], out[to] = j, values[at]
            free[item_idx[at]] += 1
    return ends, others, out


@njit(nogil=True, cache=True)
def mirror(matrix, start, end):  # type: ignore[no-untyped-def]
    """Copy what lies above the diagonal of rows `start` to `end` below it, in tiles."""
    n = matrix.shape[0]
    for top in range(start, end, TILE):
        bottom = min(top + TILE, end)
        for left in range(top, n, TILE):
            right = min(left + TILE, n)
            for j in range(left, right):
                for i in range(top, min(bottom, j)):
                    matrix[j, i] = matrix[i, j]


@njit(nogil=True, cache=True)
def summed(indptr, item_idx, values, other_indptr, other_items, other_values):  # type: ignore[no-untyped-def]
    """The sum of two matrices in CSC (or CSR), item_idx rising within a column: in the same form."""
    n = indptr.size - 1
    ends = np.zeros(n + 1, np.int64)
    items = np.empty(item_idx.size + other_items.size, np.int32)
    out = np.empty(items.size, np.float32)
    filled = 0
    for j in range(n):
        at, to = indptr[j], other_indptr[j]
        while at < indptr[j + 1] or to < other_indptr[j + 1]:
            mine = item_idx[at] if at < indptr[j + 1] else n
            other = other_items[to] if to < other_indptr[j + 1] else n
            items[filled] = min(mine, other)
            total = np.float32(0.0)
            if mine <= other:
                total += values[at]
                at += 1
            if other <= mine:
                total += other_values[to]
                to += 1
            out[filled] = total
            filled += 1
        ends[j + 1] = filled
    return ends, items[:filled].copy(), out[:filled].copy()


@njit(nogil=True, cache=True)
def positive_of_rows(start, block, left_out, lengths, out_items, out_values):  # type: ignore[no-untyped-def]
    """Of each row of the block, from item `start` on, the greatest positive entries, but for the item's own and those of `left_out`.

    Out: lengths int64 (n_items); out_items int32, rising, and out_values float32 (n_items, most).
    """
    most = out_items.shape[1]
    magnitudes, row = np.empty(most, np.float64), np.empty(block.shape[1], np.float32)
    for r in range(block.shape[0]):
        i = start + r
        for j in range(row.size):
            row[j] = 0.0 if left_out[j] or j == i else max(block[r, j], np.float32(0.0))
        n = greatest(row, most, out_items[i], magnitudes)
        for at in range(n):
            out_values[i, at] = row[out_items[i, at]]
        lengths[i] = n


@njit(nogil=True, cache=True)
def positive_of_columns(start, end, indptr, item_idx, values, left_out, lengths, out_items, out_values):  # type: ignore[no-untyped-def]
    """The same of columns `start` to `end` in CSC, item_idx rising within a column."""
    most = out_items.shape[1]
    magnitudes = np.empty(most, np.float64)
    for j in range(start, end):
        first = indptr[j]
        column = np.zeros(indptr[j + 1] - first, np.float32)
        for at in range(column.size):
            item = item_idx[first + at]
            if item != j and not left_out[item]:
                column[at] = max(values[first + at], np.float32(0.0))
        n = greatest(column, most, out_items[j], magnitudes)
        for at in range(n):
            place = out_items[j, at]
            out_items[j, at], out_values[j, at] = item_idx[first + place], column[place]
        lengths[j] = n
