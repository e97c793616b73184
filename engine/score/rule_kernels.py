"""Compiled inner loops of engine/score/rules.py. Arrays in, arrays out.

The sums are those of scoring_kernels.py, by the same operations in the same order, kept for all items in place of the best ones alone: a
rule may let any item rise or fall.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.score.scoring_kernels import LAST_BITS, widen
from engine.score.tile_sums import add_rows, add_rows_twice

AHEAD = 4  # times the depth: so many of the best are looked at before all are


@njit(nogil=True, cache=True)
def sums_dense(similarity, rows, start, end, sums, spread):  # type: ignore[no-untyped-def]
    """As score_dense, but for the lists: sums float32 (users, TILE · n_tiles) of all items, and of the padding."""
    tiles, n_items = similarity.tiles, similarity.tiles.shape[1]
    indptr, indices, affinity, unity = rows
    low, high = spread
    normalize = unity.size > 0
    units = np.zeros(TILE, np.float32)
    for u in range(end - start):
        low[u] = np.inf
        high[u] = -np.inf
    for t in range(tiles.shape[0]):
        tile = tiles[t]
        first = t * TILE
        width = min(TILE, n_items - first)
        for u in range(end - start):
            row, stop = indptr[start + u], indptr[start + u + 1]
            out = sums[u, first : first + TILE]
            if normalize:
                add_rows_twice(tile, indices[row:stop], affinity[row:stop], unity[row:stop], out, units)
                low[u], high[u] = widen(units, width, low[u], high[u])
            else:
                add_rows(tile, indices[row:stop], affinity[row:stop], out)


@njit(nogil=True, cache=True, fastmath={"contract"})  # as score_sparse
def sums_sparse(similarity, rows, start, end, sums, spread):  # type: ignore[no-untyped-def]
    """As score_sparse, but for the lists: sums float32 (users, at least n_items), zeros to begin with."""
    sim_indptr, sim_indices, sim_data = similarity[0], similarity[1].view(np.uint32), similarity[2]
    n_items = sim_indptr.size - 1
    indptr, indices, affinity, unity = rows
    low, high = spread
    normalize = unity.size > 0
    units = np.zeros(n_items, np.float32)
    is_touched = np.zeros(n_items, np.bool_)
    for u in range(end - start):
        n_touched = 0
        for t in range(indptr[start + u], indptr[start + u + 1]):
            item, weight = indices[t], affinity[t]
            unit = unity[t] if normalize else np.float32(0.0)
            near, values = sim_indices[sim_indptr[item] : sim_indptr[item + 1]], sim_data[sim_indptr[item] : sim_indptr[item + 1]]
            for at in range(near.size):
                j = near[at]
                n_touched += not is_touched[j]
                is_touched[j] = True
                sums[u, j] += weight * values[at]
                if normalize:
                    units[j] += unit * values[at]
        least, most = (np.float32(np.inf), np.float32(-np.inf)) if n_touched == n_items else (np.float32(0.0), np.float32(0.0))
        for j in range(n_items):
            if is_touched[j]:
                least, most = min(least, units[j]), max(most, units[j])
                units[j] = 0.0
                is_touched[j] = False
        low[u], high[u] = least, most


@njit(inline="always")
def _before(a, b, values, sums):  # type: ignore[no-untyped-def]
    """Whether item a stands before item b: by score, then by sum, then by item."""
    if values[a] != values[b]:
        return values[a] > values[b]
    if sums[a] != sums[b]:
        return sums[a] > sums[b]
    return a < b


@njit(inline="always")
def _sink(heap, n, at, values, sums):  # type: ignore[no-untyped-def]
    """Let the item at `at` sink to its place in a heap whose first one stands before all others."""
    item = heap[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _before(heap[child + 1], heap[child], values, sums):
            child += 1
        if not _before(heap[child], item, values, sums):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = item


@njit(inline="always")
def take(item, category_indptr, category_indices, taken, most):  # type: ignore[no-untyped-def]
    """Whether all categories of the item have room; then it has taken some."""
    first, last = category_indptr[item], category_indptr[item + 1]
    if most > 0:
        for at in range(first, last):
            if taken[category_indices[at]] >= most:
                return False
    for at in range(first, last):
        taken[category_indices[at]] += 1
    return True


@njit(nogil=True, cache=True)
def take_under_rules(sums, rows, start, left_out, rules, exponent, spread, scale, top):  # type: ignore[no-untyped-def]
    """Lists from sums: the best by boosted score, one after the other, but for those of which a category has `most` items already.

    sums float32 (users, at least n_items), changed; AffinityRows, LeftOut, Rules, Spread, Scale; exponent int32 (users). Out: TopK.
    """
    indptr, indices = rows.indptr, rows.indices
    boost, category_indptr, category_indices, n_categories, most = rules
    low, high = spread
    normalize, weight_min, weight_max = scale
    items, scores, lengths = top
    n_items = left_out.excluded.size
    depth = items.shape[1]
    values = np.empty(n_items, np.float32)
    ranked = np.empty(min(n_items, AHEAD * depth), np.int32)
    heap = np.empty(n_items, np.int32)
    taken = np.zeros(n_categories, np.int32)
    for u in range(lengths.size):
        row = sums[u]
        if left_out.seen:
            for t in range(indptr[start + u], indptr[start + u + 1]):
                row[indices[t]] = 0.0
        if left_out.disliked_indptr.size:
            for t in range(left_out.disliked_indptr[start + u], left_out.disliked_indptr[start + u + 1]):
                row[left_out.disliked_indices[t]] = 0.0
        if normalize:
            least, greatest = np.float64(low[u]) * weight_min, np.float64(high[u]) * weight_max
            span = greatest - least
        n, n_ranked = 0, 0
        for j in range(n_items):
            if row[j] > 0.0 and not left_out.excluded[j]:
                value = np.float64(row[j])
                if not normalize:
                    value = np.float64(math.ldexp(value, exponent[u]))
                elif span > 0.0:
                    value = (value - least) / span * (weight_max - weight_min) + weight_min
                else:
                    value = weight_max
                factor = np.float64(boost[j])
                values[j] = np.float32(value * factor if value >= 0.0 else value / factor)
                heap[n] = j
                n += 1
                if n_ranked < ranked.size or _before(j, ranked[n_ranked - 1], values, row):
                    at = min(n_ranked, ranked.size - 1)
                    n_ranked = at + 1
                    while at > 0 and _before(j, ranked[at - 1], values, row):
                        ranked[at] = ranked[at - 1]
                        at -= 1
                    ranked[at] = j
        taken[:] = 0
        chosen = 0
        for r in range(n_ranked):
            if chosen < depth and take(ranked[r], category_indptr, category_indices, taken, most):
                items[u, chosen], scores[u, chosen] = ranked[r], values[ranked[r]]
                chosen += 1
        if chosen < depth and n_ranked < n:  # limits passed over nearly all of them: from all items, again from the best
            taken[:] = 0
            chosen = 0
            for at in range(n // 2 - 1, -1, -1):
                _sink(heap, n, at, values, row)
            while n > 0 and chosen < depth:
                item = heap[0]
                n -= 1
                heap[0] = heap[n]
                _sink(heap, n, 0, values, row)
                if take(item, category_indptr, category_indices, taken, most):
                    items[u, chosen], scores[u, chosen] = item, values[item]
                    chosen += 1
        lengths[u] = chosen
        # As in kernels.finish: sums that differ by their last bits and have become one score are ties.
        for r in range(1, chosen):
            at = r
            while at > 0 and scores[u, at - 1] == scores[u, at] and items[u, at - 1] > items[u, at]:
                if row[items[u, at - 1]] - row[items[u, at]] > np.float32(LAST_BITS) * row[items[u, at]]:
                    break
                items[u, at - 1], items[u, at] = items[u, at], items[u, at - 1]
                at -= 1
