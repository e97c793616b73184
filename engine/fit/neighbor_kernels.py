"""Compiled inner loops of the nearest neighbors: of each item's row, the most similar others.

Counters lie in order of popularity: most increments then fall into a few that stay in the cache, and of a tile of counters its greatest
count and its rarest item bound all similarities. An item that meets few others is counted with a list of them; one that meets more is
swept, and most tiles are left out by their bound. Both keep the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.fit.counting_kernels import count_item, count_touched
from engine.fit.key_kernels import HALF, add, bits_of, cut, reached, rising
from engine.fit.similarity_kernels import LEXICOGRAPHERS, similarities

SWEPT = 10  # counters that are swept in the time in which one that was touched is listed, gathered and looked at
SHORT = 1 << 16  # users of an item whose counts fit in two bytes, of which the caches hold twice as many
BLOCK = 512  # listed counters that are looked at together
SAMPLED = 8  # tiles of which one bound is looked at, to tell where the greatest begin
ROUNDING = np.float32(1e-6)  # relative, of a bound: above that of float32 and of logarithms
LOWER = np.uint64(0xFFFFFFFF)  # bits of a key


@njit(nogil=True, cache=True)
def rows_of_neighbors(start, end, events, work, numbering, f, kind, threshold, n_neighbors, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Of rows `start` to `end`, each item itself and its `n_neighbors` most similar others (ties: the lower item_idx).

    numbering: the items in falling order of `f`, and the place of each in it, int32 (n_items): the numbers of items in `events`.
    work: counting_kernels.increments. Out: lengths int64 (rows); indices int32, rising within a row, and data float32 (rows,
    n_neighbors + 1).
    """
    n_items, item_ends, (order, number) = f.size, events[0], numbering
    frequencies, rarest = f[order], f[order[np.minimum(np.arange(TILE - 1, n_items + TILE - 1, TILE), n_items - 1)]]
    ranked = (frequencies, rarest, order, np.arange(n_items).astype(np.int32))
    counts, large_counts = np.zeros(n_items, np.uint16), np.zeros(n_items if np.any(f[start:end] >= SHORT) else 0, np.int32)
    touched, keys = np.empty(n_items + 1, np.int32), np.empty(n_neighbors + 2 * BLOCK, np.uint64)
    room, own = (np.empty(n_items, np.int32), np.empty(n_items, np.int32), np.empty(n_items, np.float32)), np.empty(1, np.float32)
    for i in range(start, end):
        how = (kind, threshold, np.float64(f[i]), n_neighbors)
        similarities(kind, np.full(1, item_ends[i + 1] - item_ends[i], np.int32), threshold, f[i : i + 1], how[2], n_items, own)
        if f[i] >= SHORT:
            count_item(i, events, large_counts)
            met = np.flatnonzero(large_counts).astype(np.int32)
            _take(met, large_counts, number[i], room[0])
            n = _nearest_listed(met, ranked, how, room, keys)
        elif work[i] * SWEPT < n_items:
            met = touched[: count_touched(i, events, counts, touched)]
            _take(met, counts, number[i], room[0])
            n = _nearest_listed(met, ranked, how, room, keys)
        else:
            count_item(i, events, counts)
            counts[number[i]] = 0
            n = _nearest_swept(counts, ranked, how, room, keys)
        if own[0] != 0.0:
            n = add(own, number[i : i + 1], order, keys, n, np.uint64(0))
        for at in range(n):
            keys[at] = ~keys[at] << HALF | keys[at] >> HALF  # the item above, the similarity's bits below
        row, values = np.sort(keys[:n]), out_data[i - start].view(np.uint32)
        for at in range(n):
            out_indices[i - start, at], values[at] = row[at] >> HALF, bits_of(np.uint32(row[at]))
        lengths[i - start] = n


@njit(nogil=True, cache=True)
def _take(touched, counts, itself, few):  # type: ignore[no-untyped-def]
    """The counts `touched`, but 0 for that of the item with itself, into `few`; they become 0."""
    counts[itself] = 0
    for at in range(touched.size):
        few[at] = counts[touched[at]]
        counts[touched[at]] = 0


@njit(nogil=True, cache=True)
def _nearest_swept(counts, ranked, how, room, keys):  # type: ignore[no-untyped-def]
    """The nearest that are not 0, in no order, to the front of `keys`; how many. `counts`, uint16 (n_items), become 0 again."""
    (frequencies, rarest, order, numbers), (kind, threshold, f_i, n_neighbors) = ranked, how
    bounds = _bounds(counts, rarest, kind, threshold, f_i)
    sample = bounds[::SAMPLED].copy()
    high = cut(sample, sample.size, min(sample.size, 1 + n_neighbors // SAMPLED))
    n, bound = 0, np.uint64(0)
    for is_high in (True, False):  # about as many tiles as there are neighbors to find; then the rest, of which few are above the bound
        for t in range(bounds.size):
            if bounds[t] <= bound or (bounds[t] >= high) != is_high:
                continue
            tile, first, end = counts[t * TILE : (t + 1) * TILE], t * TILE, (t + 1) * TILE
            few, values = room[0][: tile.size], room[2][: tile.size]
            for j in range(tile.size):
                few[j] = tile[j]
            similarities(kind, few, threshold, frequencies[first:end], f_i, counts.size, values)
            n = add(values, numbers[first:end], order, keys, n, bound)
            if n > n_neighbors + BLOCK:
                bound, n = cut(keys, n, n_neighbors), n_neighbors
        if n > n_neighbors:
            bound, n = cut(keys, n, n_neighbors), n_neighbors
    counts[:] = 0
    return n


@njit(nogil=True, cache=True)
def _bounds(counts, rarest, kind, threshold, f_i):  # type: ignore[no-untyped-def]
    """Keys that none of a tile of `counts` is above, uint64 (tiles): of a tile of zeros 0. rarest: the least frequency of each tile.

    A similarity falls with the frequency of the other item, and rises with the count; where count and logarithm are multiplied it falls
    and then rises: so none is above those of the rarest item with the greatest count and with the least.
    """
    greatest, values = np.empty(rarest.size, np.int32), np.empty(rarest.size, np.float32)
    for t in range(rarest.size):
        # A view that begins at 0: else LLVM, which can't rule out negative positions, uses no vectors.
        tile = counts[t * TILE : (t + 1) * TILE]
        most = tile[0]
        for j in range(tile.size):
            if tile[j] > most:
                most = tile[j]
        greatest[t] = most
    similarities(kind, greatest.copy(), threshold, rarest, f_i, counts.size, values)
    if kind == LEXICOGRAPHERS:
        others = np.empty(rarest.size, np.float32)
        similarities(kind, np.full(rarest.size, max(threshold, 1), np.int32), threshold, rarest, f_i, counts.size, others)
        values = np.maximum(values, others)
    values += np.abs(values) * ROUNDING
    bits, bounds = values.view(np.uint32), np.zeros(rarest.size, np.uint64)
    for t in range(rarest.size):
        if greatest[t] > 0:
            bounds[t] = np.uint64(rising(bits[t])) << HALF | LOWER
    return bounds


@njit(nogil=True, cache=True)
def _nearest_listed(touched, ranked, how, room, keys):  # type: ignore[no-untyped-def]
    """As `_nearest_swept`, of the items `touched` alone, in any order; their counts are in front of room[0], and become 0."""
    (frequencies, _, order, _), (kind, threshold, f_i, n_neighbors) = ranked, how
    few, many, values = room[0][: touched.size], room[1][: touched.size], room[2][: touched.size]
    for at in range(touched.size):
        many[at] = frequencies[touched[at]]
    similarities(kind, few, threshold, many, f_i, order.size, values)
    n, bound = 0, reached(values, n_neighbors)
    for first in range(0, touched.size, BLOCK):
        end = first + BLOCK
        n = add(values[first:end], touched[first:end], order, keys, n, bound)
        if n > n_neighbors + BLOCK:
            bound, n = cut(keys, n, n_neighbors), n_neighbors
    if n > n_neighbors:
        cut(keys, n, n_neighbors)
    return min(n, n_neighbors)
