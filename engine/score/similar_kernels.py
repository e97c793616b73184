"""Compiled inner loops of engine/score/similar.py. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.score.scoring_kernels import insert
from engine.score.vector_code import TILE


@njit(nogil=True, cache=True)
def top_dense(tiles, n_items, chosen, is_excluded, items, scores, lengths):  # type: ignore[no-untyped-def]
    """tiles float32 (n_tiles, n_items, 64), chosen int32 (n), is_excluded bool (n_items). Out: items int32, scores float32 (n, depth),
    lengths int32 (n), which are zeros to begin with. Most of a row is no better than a full list: one vector comparison says so."""
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
def top_sparse(indptr, indices, data, chosen, is_excluded, items, scores, lengths):  # type: ignore[no-untyped-def]
    """The same of CSR rows: indptr int64, indices int32 rising within a row, data float32."""
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
