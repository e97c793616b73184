"""Compiled inner loops of engine/ranking/mmr.py. Arrays in, arrays out."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numba.extending import overload

from contract.artifacts.artifact import TILE
from engine.score.rule_kernels import take


def weight_of(similarity, i, j):  # type: ignore[no-untyped-def]
    """S[i, j] of DenseTiles or CsrSimilarity, for compiled code."""


@overload(weight_of)
def _weight_of(similarity, i, j):  # type: ignore[no-untyped-def]  # noqa: ARG001 (read by what is compiled)
    if similarity.fields == ("tiles",):
        return _of_tiles
    return _of_rows


def _of_tiles(similarity, i, j):  # type: ignore[no-untyped-def]
    return similarity.tiles[j // TILE, i, j % TILE]


def _of_rows(similarity, i, j):  # type: ignore[no-untyped-def]
    first, last = similarity.indptr[i], similarity.indptr[i + 1]
    stop = last
    while first < last:
        middle = (first + last) // 2
        if similarity.indices[middle] < j:
            first = middle + 1
        else:
            last = middle
    if first < stop and similarity.indices[first] == j:
        return similarity.data[first]
    return np.float32(0.0)


@njit(nogil=True, cache=True)
def strongest_dense(similarity, out):  # type: ignore[no-untyped-def]
    """Of each item the greatest weight of its row or column, 0 where none is positive: DenseTiles. Out: float32 (n_items), zeros."""
    tiles, n_items = similarity.tiles, similarity.tiles.shape[1]
    for t in range(tiles.shape[0]):
        first = t * TILE
        for i in range(n_items):
            row = tiles[t, i]
            for j in range(min(TILE, n_items - first)):
                out[i] = max(out[i], row[j])
                out[first + j] = max(out[first + j], row[j])


@njit(nogil=True, cache=True)
def strongest_sparse(similarity, out):  # type: ignore[no-untyped-def]
    """The same of a CsrSimilarity."""
    indptr, indices, data = similarity
    for i in range(indptr.size - 1):
        for at in range(indptr[i], indptr[i + 1]):
            out[i] = max(out[i], data[at])
            out[indices[at]] = max(out[indices[at]], data[at])


@njit(inline="always")
def _likeness(similarity, strongest, i, j):  # type: ignore[no-untyped-def]
    weight = max(weight_of(similarity, i, j), weight_of(similarity, j, i))  # type: ignore[no-untyped-call]
    if weight <= 0.0:
        return 0.0
    return np.float64(weight) / math.sqrt(np.float64(strongest[i]) * np.float64(strongest[j]))


@njit(nogil=True, cache=True)
def rerank(similarity, pool, strongest, share, rules, top):  # type: ignore[no-untyped-def]
    """Lists from pools: one item after the other, each the best by (1 - share) · relevance - share · likeness to those before it.

    DenseTiles or CsrSimilarity; pool TopK; strongest float32 (n_items); Rules, of which the categories are looked at. Out: top TopK.
    What an item is worth only falls as the list grows, so that it is computed anew when the item comes first, and seldom before.
    """
    items, scores, lengths = pool
    width, depth = items.shape[1], top.items.shape[1]
    relevance, nearest, value = np.empty(width, np.float64), np.empty(width, np.float64), np.empty(width, np.float64)
    compared = np.empty(width, np.int64)  # with so many items of the list
    taken = np.zeros(rules.n_categories, np.int32)
    for u in range(lengths.size):
        n = lengths[u]
        low, high = np.float64(np.inf), np.float64(-np.inf)
        for c in range(n):
            low, high = min(low, np.float64(scores[u, c])), max(high, np.float64(scores[u, c]))
        for c in range(n):
            relevance[c] = (np.float64(scores[u, c]) - low) / (high - low) if high > low else 1.0
            nearest[c], compared[c] = 0.0, 0
            value[c] = (1.0 - share) * relevance[c] - share * nearest[c]
        taken[:] = 0
        chosen, left = 0, n
        while left > 0 and chosen < depth:
            best = np.argmax(value[:n])  # of equals the first
            item = items[u, best]
            if compared[best] < chosen:
                for r in range(compared[best], chosen):
                    nearest[best] = max(nearest[best], _likeness(similarity, strongest, item, top.items[u, r]))
                compared[best] = chosen
                value[best] = (1.0 - share) * relevance[best] - share * nearest[best]
                continue
            value[best] = -np.inf
            left -= 1
            if take(item, rules.category_indptr, rules.category_indices, taken, rules.most):
                top.items[u, chosen], top.scores[u, chosen] = item, scores[u, best]
                chosen += 1
        top.lengths[u] = chosen
