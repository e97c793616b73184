"""Compiled inner loops of the similarity: co-occurrence counts, then the formula, then what is kept.

Counts of two popular items come from bit sets of their users (and, popcount): 512 users an instruction on a CPU with AVX-512. All
others are counted along the users' rows, for one item at a time: n_items counters and nothing else, whatever the number of
interactions. The functions release the GIL: similarity.py runs them in threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

TILE = 64
BLOCK = 16  # popular items counted together: each bit set that is loaded serves all of them
WORDS = 128  # 64-bit words of a bit set that are looked at together: BLOCK of them stay in the first-level cache
AHEAD, FETCHED, LINE = 2, 1024, 64  # rows ahead, entries of a row at the most, bytes of a cache line
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


@intrinsic
def _prefetch(_typing, array, position):  # type: ignore[no-untyped-def]
    """Fetch the cache line of array[position] that will be read soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        fetch = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag]), "llvm.prefetch.p0")
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        read, second_level, data_cache = (ir.Constant(flag, value) for value in (0, 2, 1))
        builder.call(fetch, [builder.bitcast(builder.gep(data, [args[1]]), byte), read, second_level, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@njit(nogil=True, cache=True)
def set_bits(popular, item_ends, item_users, n_users):  # type: ignore[no-untyped-def]
    """Bit sets of the users of the items `popular`: uint64 (chunks of users, popular.size, WORDS)."""
    n_words = (n_users + 63) // 64
    bits = np.zeros(((n_words + WORDS - 1) // WORDS, popular.size, WORDS), np.uint64)
    for h in range(popular.size):
        for at in range(item_ends[popular[h]], item_ends[popular[h] + 1]):
            user = item_users[at]
            word = user // 64
            bits[word // WORDS, h, word % WORDS] |= np.uint64(1) << np.uint64(user % 64)
    return bits


@njit(nogil=True, cache=True)
def without(is_left_out, indptr, others):  # type: ignore[no-untyped-def]
    """CSR rows without some columns: indptr int64, and columns of the type of `others`."""
    out_indptr = np.zeros(indptr.size, np.int64)
    n = 0
    for t in range(others.size):
        n += not is_left_out[others[t]]
    out = np.empty(n, others.dtype)
    n = 0
    for u in range(indptr.size - 1):
        for t in range(indptr[u], indptr[u + 1]):
            if not is_left_out[others[t]]:
                out[n] = others[t]
                n += 1
        out_indptr[u + 1] = n
    return out_indptr, out


@njit(nogil=True, cache=True)
def _count_along(item, item_ends, item_users, indptr, others, counts):  # type: ignore[no-untyped-def]
    """Along the rows of the item's users, which lie anywhere in memory: fetched ahead, or half of the time is spent waiting."""
    stop = item_ends[item + 1]
    for at in range(item_ends[item], stop):
        if at + AHEAD < stop:
            coming = item_users[at + AHEAD]
            first = indptr[coming]
            for t in range(first, min(indptr[coming + 1], first + FETCHED), LINE // others.itemsize):
                _prefetch(others, t)
        user = item_users[at]
        for t in range(indptr[user], indptr[user + 1]):
            counts[others[t]] += 1


@njit(nogil=True, cache=True)
def count_popular(start, end, bits, counts):  # type: ignore[no-untyped-def]
    """Co-occurrences of the popular items `start` to `end` (at most BLOCK) with all before `end`, and their mirror images.

    counts int32 (popular items, popular items), zeros before; two calls with other ranges never touch the same element.
    """
    for chunk in range(bits.shape[0]):
        for h in range(end):
            theirs = bits[chunk, h]
            for i in range(max(start, h), end):
                ours = bits[chunk, i]
                total = np.uint64(0)
                for word in range(WORDS):
                    total += _popcount(ours[word] & theirs[word])
                counts[i, h] += np.int32(total)
    for i in range(start, end):
        for h in range(i):
            counts[h, i] = counts[i, h]


@njit(nogil=True, cache=True)
def _count(item, events, counts):  # type: ignore[no-untyped-def]
    """Co-occurrences of `item` with all items: counts int32 (n_items), zeros before."""
    item_ends, item_users, indptr, others, tail_indptr, tail_others, popular, place, popular_counts = events
    if place[item] < 0:
        _count_along(item, item_ends, item_users, indptr, others, counts)
    else:
        _count_along(item, item_ends, item_users, tail_indptr, tail_others, counts)
        row = popular_counts[place[item]]
        for h in range(popular.size):
            counts[popular[h]] = row[h]


@njit(nogil=True, cache=True, error_model="numpy")  # no test for a zero divisor, which would keep LLVM from using vectors
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
    counts, values = np.zeros(n_items, np.int32), np.empty(n_items, np.float32)
    for i in range(start, end):
        _count(i, events, counts)
        _similarities(kind, counts, threshold, f, f[i], n_items, values)
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
    counts, values = np.zeros(n_items, np.int32), np.empty(n_items, np.float32)
    best, highest = np.empty(n_neighbors, np.int32), np.empty(n_neighbors, np.float32)
    for i in range(start, end):
        _count(i, events, counts)
        _similarities(kind, counts, threshold, f, f[i], n_items, values)
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
    for first in range(0, values.size, TILE):
        last = min(first + TILE, values.size)
        higher = 0
        for j in range(first, last):
            higher += values[j] > bound
        if higher == 0:
            continue
        for j in range(first, last):
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
