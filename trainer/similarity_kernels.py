"""Compiled inner loops of the similarity: co-occurrence counts of a few items at a time, then the formula, then what is kept.

Counts of two popular items come from bit sets of their users (and, popcount): 512 users an instruction on a CPU with AVX-512. All
others are counted along the users' rows. Either way a block of items needs its counters and nothing else, whatever the number of
interactions. The functions release the GIL: similarity.py runs them in threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

TILE = 64
BLOCK = 16  # items counted together: each bit set that is loaded serves all of them
WORDS = 128  # 64-bit words of a bit set that are looked at together: BLOCK of them stay in the first-level cache
COOCCURRENCE, COSINE, INCLUSION, JACCARD, LEXICOGRAPHERS, LIFT, INFORMATION = range(7)
SIMILARITIES = (
    "cooccurrence",
    "cosine",
    "inclusion index",
    "jaccard",
    "lexicographers mutual information",
    "lift",
    "mutual information",
)


@intrinsic
def _popcount(_typing, value):  # type: ignore[no-untyped-def]
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@njit(nogil=True, cache=True)
def set_bits(head, item_ends, item_users, n_users):  # type: ignore[no-untyped-def]
    """Bit sets of the users of the items `head`: uint64 (chunks of users, head.size, WORDS)."""
    n_words = (n_users + 63) // 64
    bits = np.zeros(((n_words + WORDS - 1) // WORDS, head.size, WORDS), np.uint64)
    for h in range(head.size):
        for at in range(item_ends[head[h]], item_ends[head[h] + 1]):
            user = item_users[at]
            word = user // 64
            bits[word // WORDS, h, word % WORDS] |= np.uint64(1) << np.uint64(user % 64)
    return bits


@njit(nogil=True, cache=True)
def without(is_left_out, indptr, indices):  # type: ignore[no-untyped-def]
    """CSR rows without some columns: indptr int64, indices uint32. Without a sign, Numba spares tests for negative positions."""
    out_indptr = np.zeros(indptr.size, np.int64)
    n = 0
    for t in range(indices.size):
        n += not is_left_out[indices[t]]
    out = np.empty(n, np.uint32)
    n = 0
    for u in range(indptr.size - 1):
        for t in range(indptr[u], indptr[u + 1]):
            if not is_left_out[indices[t]]:
                out[n] = indices[t]
                n += 1
        out_indptr[u + 1] = n
    return out_indptr, out


@njit(nogil=True, cache=True)
def _count_along(item, item_ends, item_users, indptr, others, counts):  # type: ignore[no-untyped-def]
    for at in range(item_ends[item], item_ends[item + 1]):
        user = item_users[at]
        for t in range(indptr[user], indptr[user + 1]):
            counts[others[t]] += 1


@njit(nogil=True, cache=True)
def _count(start, end, events, counts):  # type: ignore[no-untyped-def]
    """Co-occurrences of items `start` to `end` (at most BLOCK) with all items: counts int32 (BLOCK, n_items), zeros before."""
    item_ends, item_users, indptr, others, tail_indptr, tail_others, head, place_in_head, bits = events
    for i in range(start, end):
        if place_in_head[i] < 0:
            _count_along(i, item_ends, item_users, indptr, others, counts[i - start])
        else:
            _count_along(i, item_ends, item_users, tail_indptr, tail_others, counts[i - start])
    for chunk in range(bits.shape[0]):
        for h in range(head.size):
            theirs = bits[chunk, h]
            j = head[h]
            for i in range(start, end):
                if place_in_head[i] >= 0:
                    ours = bits[chunk, place_in_head[i]]
                    total = np.uint64(0)
                    for word in range(WORDS):
                        total += _popcount(ours[word] & theirs[word])
                    counts[i - start, j] += np.int32(total)


@njit(nogil=True, cache=True)
def _similarities(kind, counts, threshold, f, f_i, n_items, values):  # type: ignore[no-untyped-def]
    """values float32 from counts int32, which become 0 again. recommenders/utils/python_utils.py has the formulas; 0 for no count.

    f float64: frequencies of the items; f_i: that of the row's. One plain loop per formula, so that LLVM can use vectors.
    """
    n = counts.size
    for j in range(n):
        if counts[j] < threshold:
            counts[j] = 0
    if kind == COOCCURRENCE:
        for j in range(n):
            values[j] = counts[j]
    elif kind == COSINE:
        for j in range(n):
            values[j] = counts[j] / math.sqrt(f_i * f[j])
    elif kind == INCLUSION:
        for j in range(n):
            values[j] = counts[j] / min(f_i, f[j])
    elif kind == JACCARD:
        for j in range(n):
            values[j] = counts[j] / (f_i + f[j] - counts[j])
    elif kind == LIFT:
        for j in range(n):
            values[j] = counts[j] / (f_i * f[j])
    else:
        for j in range(n):
            values[j] = 0.0
            if counts[j] > 0:
                information = math.log2(n_items * (counts[j] / (f_i * f[j])))
                values[j] = counts[j] * information if kind == LEXICOGRAPHERS else information
    counts[:] = 0


@njit(nogil=True, cache=True)
def fill_dense(tiles, start, end, events, f, kind, threshold):  # type: ignore[no-untyped-def]
    """Similarities of items `start` to `end` with all items, into tiles float32 (n_tiles, n_items, 64)."""
    n_items = f.size
    counts = np.zeros((BLOCK, n_items), np.int32)
    values = np.empty(n_items, np.float32)
    for first in range(start, end, BLOCK):
        last = min(first + BLOCK, end)
        _count(first, last, events, counts)
        for i in range(first, last):
            _similarities(kind, counts[i - first], threshold, f, f[i], n_items, values)
            for t in range(tiles.shape[0]):
                width = min(TILE, n_items - t * TILE)
                tiles[t, i, :width] = values[t * TILE : t * TILE + width]


@njit(nogil=True, cache=True)
def rows_sparse(start, end, events, f, kind, threshold, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Whole rows `start` to `end` in CSR, after each other; the number of entries.

    Out: lengths int64 (rows), indices int32 rising within a row, data float32. With empty out_indices it only counts.
    """
    n_items = f.size
    item_ends, item_users, indptr, others = events[0], events[1], events[2], events[3]
    counts = np.zeros(n_items, np.int32)
    touched = np.empty(n_items, np.int32)
    few, many, values = np.empty(n_items, np.int32), np.empty(n_items, np.float64), np.empty(n_items, np.float32)
    filled = 0
    for i in range(start, end):
        n = 0
        for at in range(item_ends[i], item_ends[i + 1]):
            user = item_users[at]
            for t in range(indptr[user], indptr[user + 1]):
                other = others[t]
                if counts[other] == 0:
                    touched[n] = other
                    n += 1
                counts[other] += 1
        row = np.sort(touched[:n])
        for at in range(n):
            few[at], many[at] = counts[row[at]], f[row[at]]
            counts[row[at]] = 0
        _similarities(kind, few[:n], threshold, many[:n], f[i], n_items, values[:n])
        before = filled
        for at in range(n):
            if values[at] != 0.0:
                if out_indices.size > 0:
                    out_indices[filled], out_data[filled] = row[at], values[at]
                filled += 1
        lengths[i - start] = filled - before
    return filled


@njit(nogil=True, cache=True)
def rows_of_neighbors(start, end, events, f, kind, threshold, n_neighbors, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Of rows `start` to `end`, each item itself and its `n_neighbors` most similar others (ties: the lower item_idx).

    Out: lengths int64 (rows); indices int32, rising within a row, and data float32 (rows, n_neighbors + 1).
    """
    n_items = f.size
    counts = np.zeros((BLOCK, n_items), np.int32)
    values = np.empty(n_items, np.float32)
    best = np.empty(n_neighbors, np.int32)
    highest = np.empty(n_neighbors, np.float32)
    for first in range(start, end, BLOCK):
        last = min(first + BLOCK, end)
        _count(first, last, events, counts)
        for i in range(first, last):
            _similarities(kind, counts[i - first], threshold, f, f[i], n_items, values)
            own = values[i]
            values[i] = 0.0
            n = _highest(values, best, highest)
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
def _highest(values, best, highest):  # type: ignore[no-untyped-def]
    """Positions and values of the highest that are not 0, into best and highest, falling; how many."""
    n, most = 0, best.size
    bound = np.float32(-np.inf)
    for j in range(values.size):
        value = values[j]
        if value > bound and value != 0.0:
            at = n if n < most else n - 1
            while at > 0 and highest[at - 1] < value:
                highest[at], best[at] = highest[at - 1], best[at - 1]
                at -= 1
            highest[at], best[at] = value, j
            if n < most:
                n += 1
            if n == most:
                bound = highest[n - 1]
    return n
