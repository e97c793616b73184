"""Compiled inner loops of engine/score/similar.py. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE
from engine.score.scoring_kernels import insert


@njit(nogil=True, cache=True)
def top_dense(similarity, chosen, is_excluded, top):  # type: ignore[no-untyped-def]
    """DenseTiles, chosen int32 (n), is_excluded bool (n_items). Out: TopK of n, whose lengths are zeros to begin with.

    Most of a row is no better than a full list: one vector comparison says so."""
    tiles, n_items = similarity.tiles, similarity.tiles.shape[1]
    items, scores, lengths = top
    depth = items.shape[1]
    for t in range(tiles.shape[0]):
        first = t * TILE
        width = min(TILE, n_items - first)
        for c in range(chosen.size):
            row = tiles[t, chosen[c]]
            n = lengths[c]
            bound = scores[c, depth - 1] if n == depth else np.float32(0.0)
            better = 0
            for j in range(TILE):
                better += row[j] > bound
            if better:
                for j in range(width):
                    if row[j] > bound and first + j != chosen[c] and not is_excluded[first + j]:
                        n = insert(items[c], scores[c], n, np.int32(first + j), row[j])
                        if n == depth:
                            bound = scores[c, depth - 1]
                lengths[c] = n


@njit(nogil=True, cache=True)
def top_sparse(similarity, chosen, is_excluded, top):  # type: ignore[no-untyped-def]
    """The same of a CsrSimilarity."""
    indptr, indices, data = similarity
    items, scores, lengths = top
    depth = items.shape[1]
    for c in range(chosen.size):
        n = 0
        bound = np.float32(0.0)
        for at in range(indptr[chosen[c]], indptr[chosen[c] + 1]):
            if data[at] > bound and indices[at] != chosen[c] and not is_excluded[indices[at]]:
                n = insert(items[c], scores[c], n, indices[at], data[at])
                if n == depth:
                    bound = scores[c, depth - 1]
        lengths[c] = n
