"""Compiled inner loops of the nearest neighbors: of each item's row, the most similar others.

An item whose users have little else is counted with a list of what it met: its work grows with that, whatever the catalogue. An
item that meets a large part of the catalogue is counted as a whole row, which is swept with vectors. Both keep the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.fit.counting_kernels import count_item, count_touched
from engine.fit.similarity_kernels import similarities

BLOCK = 512  # counters that are swept together
SWEPT = 4  # counters that are swept in the time in which one that was touched is listed, gathered and looked at


@njit(nogil=True, cache=True)
def rows_of_neighbors(start, end, events, work, f, kind, threshold, n_neighbors, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Of rows `start` to `end`, each item itself and its `n_neighbors` most similar others (ties: the lower item_idx).

    work: counting_kernels.increments. Out: lengths int64 (rows); indices int32, rising within a row, and data float32 (rows,
    n_neighbors + 1).
    """
    n_items = f.size
    item_ends, item_users, indptr, others, place = events[0], events[1], events[2], events[3], events[7]
    counts, values = np.zeros(n_items, np.int32), np.empty(n_items, np.float32)
    touched = np.empty(n_items + 1, np.int32)
    few, many = np.empty(n_items, np.int32), np.empty(n_items, np.float64)
    frequencies = f.astype(np.int32)  # the same numbers in half the memory: those of what was touched lie anywhere in it
    best, highest = np.empty(n_neighbors, np.int32), np.empty(n_neighbors, np.float32)
    for i in range(start, end):
        own = np.float32(0.0)
        if place[i] < 0 and work[i] * SWEPT < n_items:
            met = count_touched(i, item_ends, item_users, indptr, others, counts, touched)
            for at in range(met):
                other = touched[at]
                few[at], many[at] = counts[other], frequencies[other]
                counts[other] = 0
            similarities(kind, few[:met], threshold, many[:met], f[i], n_items, values[:met])
            for at in range(met):
                if touched[at] == i:
                    own = values[at]
                    values[at] = 0.0
            n = _highest_touched(touched[:met], values[:met], best, highest)
        else:
            count_item(i, events, counts)
            n, own = _highest(i, counts, kind, threshold, f, values, best, highest)
        row = i - start
        filled = 0
        for at in np.argsort(best[:n]):
            if own != 0.0 and best[at] > i:
                out_indices[row, filled], out_data[row, filled] = i, own
                filled += 1
                own = np.float32(0.0)
            out_indices[row, filled], out_data[row, filled] = best[at], highest[at]
            filled += 1
        if own != 0.0:
            out_indices[row, filled], out_data[row, filled] = i, own
            filled += 1
        lengths[row] = filled


@njit(nogil=True, cache=True)
def _highest(i, counts, kind, threshold, f, values, best, highest):  # type: ignore[no-untyped-def]
    """The highest similarities of item `i` with others that are not 0, and their items, into highest and best, falling; how many, and
    that with itself. `counts`, int32 (n_items), become 0 again.

    In blocks that stay in the first-level cache. A tile is a view that begins at 0: else LLVM, which can't rule out negative positions,
    uses no vectors for its comparison.
    """
    n, most, own = 0, best.size, np.float32(0.0)
    bound = np.float32(-np.inf)
    for start in range(0, f.size, BLOCK):
        end = min(start + BLOCK, f.size)
        block = values[: end - start]
        similarities(kind, counts[start:end], threshold, f[start:end], f[i], f.size, block)
        if start <= i < end:
            own = block[i - start]
            block[i - start] = 0.0
        for first in range(0, block.size, TILE):
            tile = block[first : first + TILE]
            is_higher = False
            for j in range(tile.size):
                is_higher |= tile[j] > bound
            if not is_higher:
                continue
            for j in range(tile.size):
                value = tile[j]
                if value > bound and value != 0.0:
                    at = n if n < most else n - 1
                    while at > 0 and highest[at - 1] < value:
                        highest[at], best[at] = highest[at - 1], best[at - 1]
                        at -= 1
                    highest[at], best[at] = value, start + first + j
                    if n < most:
                        n += 1
                    if n == most:
                        bound = highest[n - 1]
    return n, own


@njit(nogil=True, cache=True)
def _highest_touched(touched, values, best, highest):  # type: ignore[no-untyped-def]
    """As `_highest`, of the items `touched`, which come in any order."""
    n, most = 0, best.size
    for j in range(values.size):
        value, item = values[j], touched[j]
        if value == 0.0 or (n == most and (value < highest[n - 1] or (value == highest[n - 1] and item > best[n - 1]))):
            continue
        at = n if n < most else n - 1
        while at > 0 and (highest[at - 1] < value or (highest[at - 1] == value and best[at - 1] > item)):
            highest[at], best[at] = highest[at - 1], best[at - 1]
            at -= 1
        highest[at], best[at] = value, item
        n = min(n + 1, most)
    return n
