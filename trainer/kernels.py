"""Compiled inner loops of the fit. Arrays in, arrays out; sar.py calls them from threads (they release the GIL)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TILE = 64
SIMILARITIES = (
    "cooccurrence",
    "cosine",
    "inclusion index",
    "jaccard",
    "lexicographers mutual information",
    "lift",
    "mutual information",
)


@njit(nogil=True, cache=True)
def group(keys, n_groups):  # type: ignore[no-untyped-def]
    """Stable counting sort: ends of groups, int64 (n_groups + 1), and the positions in order of key, int32 (keys.size)."""
    ends = np.zeros(n_groups + 1, np.int64)
    for key in keys:
        ends[key + 1] += 1
    for g in range(n_groups):
        ends[g + 1] += ends[g]
    at = ends[:-1].copy()
    order = np.empty(keys.size, np.int32)
    for position in range(keys.size):
        key = keys[position]
        order[at[key]] = position
        at[key] += 1
    return ends, order


@njit(nogil=True, cache=True)
def rows_by_user(user_idx, item_idx, n_users, n_items):  # type: ignore[no-untyped-def]
    """Events in order of user, then item, then input: ends of users, int64 (n_users + 1), and positions, int32."""
    _, by_item = group(item_idx, n_items)
    ends, order = group(user_idx[by_item], n_users)
    return ends, by_item[order]


@njit(nogil=True, cache=True)
def affinities(ends, order, item_idx, weight, age, half_life):  # type: ignore[no-untyped-def]
    """Decayed weights, one per user and item: A = Σ weight · min(1, 2 ** (-age / half_life)) over the pair's events.

    `age` int64 seconds before now, or empty without decay. Every row is divided by 2 ** exponent, where exponent is the decay of
    its newest event, rounded down: so rows that are old as a whole do not underflow. Out, as in contract/artifact.py: indptr,
    indices, affinity, unity, exponent; and least and greatest A with their exponents applied, float64.
    """
    n_users, n = ends.size - 1, order.size
    decays = age.size > 0
    indptr = np.zeros(n_users + 1, np.int64)
    indices, affinity, unity = np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.float32)
    exponent = np.zeros(n_users, np.int32)
    least, most = np.inf, -np.inf
    filled = 0
    for u in range(n_users):
        newest = -np.inf
        if decays:
            for e in range(ends[u], ends[u + 1]):
                newest = max(newest, min(0.0, -age[order[e]] / half_life))
            exponent[u] = np.int32(math.floor(newest))
        e = ends[u]
        while e < ends[u + 1]:
            item = item_idx[order[e]]
            total, unit = 0.0, 0.0
            while e < ends[u + 1] and item_idx[order[e]] == item:
                decay = 1.0
                if decays:
                    decay = 2.0 ** (min(0.0, -age[order[e]] / half_life) - exponent[u])
                total += weight[order[e]] * decay
                unit += decay
                e += 1
            indices[filled], affinity[filled], unity[filled] = item, total, unit
            filled += 1
            whole = math.ldexp(total, exponent[u])
            least, most = min(least, whole), max(most, whole)
        indptr[u + 1] = filled
    return indptr, indices[:filled], affinity[:filled], unity[:filled], exponent, least, most


@njit(nogil=True, cache=True)
def transpose(indptr, indices, n_items):  # type: ignore[no-untyped-def]
    """Users of every item in rising order: ends, int64 (n_items + 1), and user_idx, int32."""
    ends, order = group(indices, n_items)
    users = np.empty(indices.size, np.int32)
    owner = np.empty(indices.size, np.int32)
    for u in range(indptr.size - 1):
        owner[indptr[u] : indptr[u + 1]] = u
    for position in range(order.size):
        users[position] = owner[order[position]]
    return ends, users


@njit(inline="always")
def _similarity(kind, count, f_i, f_j, n_items):  # type: ignore[no-untyped-def]
    """recommenders/utils/python_utils.py: from a co-occurrence count > 0 and the frequencies, which are then > 0 too."""
    if kind == 0:
        return count
    if kind == 1:
        return count / math.sqrt(f_i * f_j)
    if kind == 2:
        return count / min(f_i, f_j)
    if kind == 3:
        return count / (f_i + f_j - count)
    lift = count / (f_i * f_j)
    if kind == 5:
        return lift
    information = math.log2(n_items * lift)
    return count * information if kind == 4 else information


@njit(nogil=True, cache=True)
def fill_dense(tiles, start, end, item_ends, item_users, indptr, indices, kind, threshold):  # type: ignore[no-untyped-def]
    """Similarities of items `start` to `end` with all items up to themselves, and their mirror images.

    tiles float32 (n_tiles, n_items, 64), zeros before; two calls with other ranges never touch the same element.
    """
    n_items = tiles.shape[1]
    counts = np.zeros(n_items, np.int32)
    for i in range(start, end):
        for at in range(item_ends[i], item_ends[i + 1]):
            user = item_users[at]
            for t in range(indptr[user], indptr[user + 1]):
                other = indices[t]
                if other > i:
                    break
                counts[other] += 1
        f_i = np.float64(item_ends[i + 1] - item_ends[i])
        column = tiles[i // TILE]
        for j in range(i + 1):
            count = counts[j]
            if count == 0:
                continue
            counts[j] = 0
            if count < threshold:
                continue
            f_j = np.float64(item_ends[j + 1] - item_ends[j])
            value = np.float32(_similarity(kind, np.float64(count), f_i, f_j, n_items))
            tiles[j // TILE, i, j % TILE] = value
            column[j, i % TILE] = value


@njit(nogil=True, cache=True)
def rows_sparse(start, end, item_ends, item_users, indptr, indices, kind, threshold, n_items, lengths, out_indices, out_data):  # type: ignore[no-untyped-def]
    """Whole rows `start` to `end` in CSR, after each other; the number of entries.

    Out: lengths int64 (rows), indices int32 rising within a row, data float32. With empty out_indices it only counts.
    """
    counts = np.zeros(n_items, np.int32)
    touched = np.empty(n_items, np.int32)
    filled = 0
    for i in range(start, end):
        n_touched = 0
        for at in range(item_ends[i], item_ends[i + 1]):
            user = item_users[at]
            for t in range(indptr[user], indptr[user + 1]):
                j = indices[t]
                if counts[j] == 0:
                    touched[n_touched] = j
                    n_touched += 1
                counts[j] += 1
        f_i = np.float64(item_ends[i + 1] - item_ends[i])
        before = filled
        row = np.sort(touched[:n_touched])
        for j in row:
            count = counts[j]
            counts[j] = 0
            if count < threshold:
                continue
            f_j = np.float64(item_ends[j + 1] - item_ends[j])
            value = np.float32(_similarity(kind, np.float64(count), f_i, f_j, n_items))
            if value != 0.0:
                if out_indices.size > 0:
                    out_indices[filled], out_data[filled] = j, value
                filled += 1
        lengths[i - start] = filled - before
    return filled
