"""Compiled inner loops of scoring. Arrays in, arrays out; scoring.py calls them.

A score is P = Σ affinity[t] · similarity[item[t], j] over the user's items in rising item_idx, then + prior[j], in float32, with the
fused multiply-add of the CPU: deterministic on one CPU type. Nothing is reassociated.

The dense similarity is stored in tiles of 64 columns. Of one tile, all users of a shard are scored before the next one is
touched, so a tile stays in cache; of one user, the 64 sums stay in registers (tile_sums.py).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.score.tile_sums import add_rows, add_rows_twice

LAST_BITS = 1e-6  # relative difference of sums that are equal but for rounding


@njit(inline="always")
def insert(items, scores, n, item, score):  # type: ignore[no-untyped-def]
    """Insert into a list that is sorted by falling score, then rising item; its new length. A full list drops its last."""
    depth = items.shape[0]
    if n == depth:
        if score < scores[n - 1] or (score == scores[n - 1] and item > items[n - 1]):
            return n
        n -= 1
    at = n
    while at > 0 and (scores[at - 1] < score or (scores[at - 1] == score and items[at - 1] > item)):
        scores[at] = scores[at - 1]
        items[at] = items[at - 1]
        at -= 1
    scores[at] = score
    items[at] = item
    return n + 1


@njit(fastmath={"nnan", "nsz"})  # the order of a minimum does not matter, and there is no NaN: lets LLVM use vectors
def widen(values, n, low, high):  # type: ignore[no-untyped-def]
    for j in range(n):
        low = min(low, values[j])
        high = max(high, values[j])
    return low, high


@njit(inline="always")
def hide(sums, indices, at, stop, first):  # type: ignore[no-untyped-def]
    """Set to 0 the sums of the tile that begins with item `first` which stand in a rising row; where the next tile goes on."""
    while at < stop and indices[at] < first + TILE:
        sums[indices[at] - first] = 0.0
        at += 1
    return at


@njit(nogil=True, cache=True)
def score_dense(similarity, rows, start, end, prior, left_out, top, spread):  # type: ignore[no-untyped-def]
    """Fill the top lists of users `start` to `end`, and the spread of their scores: DenseTiles, AffinityRows, LeftOut, TopK, Spread;
    prior float32 (n_items), added to every user's sums, or empty."""
    tiles, n_items = similarity.tiles, similarity.tiles.shape[1]
    indptr, indices, affinity, unity = rows
    items, scores, lengths = top
    low, high = spread
    normalize = unity.size > 0
    n_users = end - start
    seen_from = np.empty(n_users, np.int64)
    disliked_indptr, disliked_indices = left_out.disliked_indptr, left_out.disliked_indices
    disliked_from = disliked_indptr[start:end].copy()
    for u in range(n_users):
        seen_from[u] = indptr[start + u]
        lengths[u] = 0
        low[u] = np.inf
        high[u] = -np.inf
    sums = np.zeros(TILE, np.float32)
    units = np.zeros(TILE, np.float32)
    depth = items.shape[1]
    for t in range(tiles.shape[0]):
        tile = tiles[t]
        first = t * TILE
        width = min(TILE, n_items - first)
        for u in range(n_users):
            row, stop = indptr[start + u], indptr[start + u + 1]
            if normalize:
                add_rows_twice(tile, indices[row:stop], affinity[row:stop], unity[row:stop], sums, units)
                low[u], high[u] = widen(units, width, low[u], high[u])
            else:
                add_rows(tile, indices[row:stop], affinity[row:stop], sums)
            if prior.size > 0:
                for j in range(width):
                    sums[j] += prior[first + j]
            if left_out.seen:
                seen_from[u] = hide(sums, indices, seen_from[u], stop, first)
            if disliked_from.size:
                disliked_from[u] = hide(sums, disliked_indices, disliked_from[u], disliked_indptr[start + u + 1], first)
            n = lengths[u]
            bound = scores[u, depth - 1] if n == depth else np.float32(0.0)
            better = 0
            for j in range(TILE):
                better += sums[j] > bound
            if better:
                for j in range(width):
                    if sums[j] > bound and not left_out.excluded[first + j]:
                        n = insert(items[u], scores[u], n, np.int32(first + j), sums[j])
                        if n == depth:
                            bound = scores[u, depth - 1]
                lengths[u] = n


@njit(nogil=True, cache=True)
def finish(top, spread, exponent, scale):  # type: ignore[no-untyped-def]
    """Turn sums into the scores that are stored, in place, and order those that have become equal by item.

    Normalised (recommenders' rescale): (P - lo) / (hi - lo) · (max - min) + min with lo = min Q · min, hi = max Q · max, where Q
    are the scores of unit weights. P and Q carry the same factor 2 ** exponent, which cancels.
    """
    items, scores, lengths = top
    low, high = spread
    normalize, weight_min, weight_max = scale
    sums = np.empty(scores.shape[1], np.float32)
    for u in range(lengths.size):
        n = lengths[u]
        if normalize:
            least, most = np.float64(low[u]) * weight_min, np.float64(high[u]) * weight_max
            span = most - least
        for r in range(n):
            sums[r] = scores[u, r]
            value = np.float64(scores[u, r])
            if not normalize:
                scores[u, r] = np.float32(math.ldexp(value, exponent[u]))
            elif span > 0.0:
                scores[u, r] = np.float32((value - least) / span * (weight_max - weight_min) + weight_min)
            else:  # every item scores the same: all at the top of the scale
                scores[u, r] = np.float32(weight_max)
        # The map is monotone, but two sums that differ by their last bits may become one score: those are ties. Sums that tell items
        # apart keep their order even where the scale does not (all weights alike, or decay over decades).
        for r in range(1, n):
            at = r
            while (
                at > 0
                and scores[u, at - 1] == scores[u, at]
                and items[u, at - 1] > items[u, at]
                and sums[at - 1] - sums[at] <= np.float32(LAST_BITS) * sums[at]
            ):
                items[u, at - 1], items[u, at] = items[u, at], items[u, at - 1]
                sums[at - 1], sums[at] = sums[at], sums[at - 1]
                at -= 1
