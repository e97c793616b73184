"""Compiled inner loop of scoring from a sparse similarity. Arrays in, arrays out; scoring.py calls it."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.fetching import AHEAD, fetch
from engine.score.scoring_kernels import insert


@njit(nogil=True, cache=True, fastmath={"contract"})  # contract alone: allows the fused multiply-add, not another order
def score_sparse(similarity, rows, start, end, prior, left_out, top, spread):  # type: ignore[no-untyped-def]
    """As score_dense, from a CsrSimilarity. What the user's items touch are the candidates; with a prior, all items are.

    Rows of items lie anywhere in memory, and are fetched ahead. A row is a view of unsigned numbers that begins at 0, since Numba would
    test every position for a negative one.
    """
    sim_indptr, sim_indices, sim_data = similarity[0], similarity[1].view(np.uint32), similarity[2]
    n_items = sim_indptr.size - 1
    indptr, indices, affinity, unity = rows
    disliked_indptr, disliked_indices = left_out.disliked_indptr, left_out.disliked_indices
    items, scores, lengths = top
    low, high = spread
    normalize = unity.size > 0
    depth = items.shape[1]
    sums = np.zeros(n_items, np.float32)
    units = np.zeros(n_items, np.float32)
    touched = np.empty(n_items + 1, np.int32)
    is_touched = np.zeros(n_items, np.bool_)
    for u in range(end - start):
        n_touched = 0
        row, stop = indptr[start + u], indptr[start + u + 1]
        for t in range(row, stop):
            item, weight = indices[t], affinity[t]
            unit = unity[t] if normalize else np.float32(0.0)
            if t + AHEAD < stop:
                coming = indices[t + AHEAD]
                fetch(sim_indices, sim_indptr[coming], sim_indptr[coming + 1])
                fetch(sim_data, sim_indptr[coming], sim_indptr[coming + 1])
            near, values = sim_indices[sim_indptr[item] : sim_indptr[item + 1]], sim_data[sim_indptr[item] : sim_indptr[item + 1]]
            for at in range(near.size):
                j = near[at]
                touched[n_touched] = j  # kept if it is the first time: no branch that the processor could mispredict
                n_touched += not is_touched[j]
                is_touched[j] = True
                sums[j] += weight * values[at]
                if normalize:
                    units[j] += unit * values[at]
        if normalize:
            least, most = (np.float32(np.inf), np.float32(-np.inf)) if n_touched == n_items else (np.float32(0.0), np.float32(0.0))
            for at in range(n_touched):
                value = units[touched[at]]
                least, most = min(least, value), max(most, value)
                units[touched[at]] = 0.0
            low[u], high[u] = least, most
        if prior.size > 0:
            n_touched = n_items
            for j in range(n_items):
                touched[j] = j
                sums[j] += prior[j]
        if left_out.seen:
            for t in range(row, stop):
                sums[indices[t]] = 0.0
        if disliked_indptr.size:
            for t in range(disliked_indptr[start + u], disliked_indptr[start + u + 1]):
                sums[disliked_indices[t]] = 0.0
        n = 0
        bound = np.float32(0.0)
        for at in range(n_touched):
            j = touched[at]
            if sums[j] > 0.0 and sums[j] >= bound and not left_out.excluded[j]:
                n = insert(items[u], scores[u], n, j, sums[j])
                if n == depth:
                    bound = scores[u, depth - 1]
            sums[j] = 0.0
            is_touched[j] = False
        lengths[u] = n
