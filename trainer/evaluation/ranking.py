"""Exact top-k lists of some users, for an evaluation: P = A · S in blocks of bounded memory. Workers have kernels of their own."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy import sparse

from engine.arrays import Array
from engine.fit.rows import Rows

BLOCK_BYTES = 2**28  # of one block of scores, users × items
_ROWS = 64  # of a block, that one thread takes at a time


def best_unseen(rows: Rows, similarity: Mapping[str, Array], users: Array, k: int, threads: int, prior: Array | None = None) -> Array:
    """item_idx int32 (users, k), best first, filled up with -1: unseen items of a positive score; ties go to the lower item_idx.

    `similarity`: "similarity", or "similarity_indptr" and so on, as contract/formats/artifact.py names them. Rows are scaled by a power of
    two for each user, and scores are not normalised: neither changes the order. `prior` float32 (n_items) is added to all scores.
    """
    if "similarity" in similarity:
        matrix, n_items = None, similarity["similarity"].shape[1]
    else:
        data, indices, indptr = (np.asarray(similarity[f"similarity_{part}"]) for part in ("data", "indices", "indptr"))
        n_items = indptr.size - 1
        matrix = _matrix(data, indices, indptr, n_items)
    affinity = _matrix(rows.affinity, rows.indices, rows.indptr, n_items)[users]
    step = max(1, BLOCK_BYTES // (4 * n_items))
    out = np.full((users.size, k), -1, np.int32)
    scores = np.empty((min(step, users.size), n_items), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, users.size, step):
            block, lists = affinity[start : start + step], out[start : start + step]
            if matrix is None:
                _multiply_dense(block, similarity["similarity"], scores[: len(lists)], pool)
            else:
                _multiply_sparse(block, matrix, scores[: len(lists)], pool)
            if prior is not None:
                scores[: len(lists)] += prior
            list(pool.map(partial(_select, block, scores, lists), range(0, len(lists), _ROWS)))
    return out


def popular_unseen(rows: Rows, n_items: int, users: Array, k: int) -> Array:
    """As `best_unseen`: the items that most users have, without those that the user has seen; ties go to the lower item_idx."""
    counts = np.bincount(rows.indices, minlength=n_items)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].astype(np.int32)
    out = np.full((users.size, k), -1, np.int32)
    for at, user in enumerate(users.tolist()):
        seen = rows.indices[rows.indptr[user] : rows.indptr[user + 1]]
        first = order[: k + seen.size]  # k of them at the least are unseen, if there are so many
        unseen = first[~np.isin(first, seen)][:k]
        out[at, : unseen.size] = unseen
    return out


def _multiply_dense(block: sparse.csr_matrix, tiles: Array, scores: Array, pool: ThreadPoolExecutor) -> None:
    width = tiles.shape[2]

    def fill(tile: int) -> None:
        columns = scores[:, tile * width : (tile + 1) * width]
        columns[:] = (block @ np.asarray(tiles[tile]))[:, : columns.shape[1]]

    list(pool.map(fill, range(tiles.shape[0])))


def _multiply_sparse(block: sparse.csr_matrix, matrix: sparse.csr_matrix, scores: Array, pool: ThreadPoolExecutor) -> None:
    def fill(start: int) -> None:
        (block[start : start + _ROWS] @ matrix).toarray(out=scores[start : start + _ROWS])

    list(pool.map(fill, range(0, scores.shape[0], _ROWS)))


def _matrix(data: Array, indices: Array, indptr: Array, n_items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, indices, indptr), shape=(indptr.size - 1, n_items), copy=False)


def _select(block: sparse.csr_matrix, scores: Array, lists: Array, start: int) -> None:
    """Fill in _ROWS of `lists` from `start`; overwrites scores of seen items."""
    k = lists.shape[1]
    for row in range(start, min(start + _ROWS, len(lists))):
        values = scores[row]
        values[block.indices[block.indptr[row] : block.indptr[row + 1]]] = -np.inf
        least = np.partition(values, values.size - k)[values.size - k] if values.size > k else -np.inf
        good = np.flatnonzero((values >= least) & (values > 0))
        best = good[np.argsort(-values[good], kind="stable")][:k]
        lists[row, : best.size] = best
