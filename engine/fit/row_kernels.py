"""Compiled inner loops that turn events into rows of users. Arrays in, arrays out; rows.py calls them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def _ends(keys, n_groups):  # type: ignore[no-untyped-def]
    ends = np.zeros(n_groups + 1, np.int64)
    for key in keys:
        ends[key + 1] += 1
    for g in range(n_groups):
        ends[g + 1] += ends[g]
    return ends


@njit(nogil=True, cache=True)
def group(keys, n_groups):  # type: ignore[no-untyped-def]
    """Stable counting sort: ends of groups, int64 (n_groups + 1), and the positions in order of key, int32 (keys.size)."""
    ends = _ends(keys, n_groups)
    at = ends[:-1].copy()
    order = np.empty(keys.size, np.int32)
    for position in range(keys.size):
        key = keys[position]
        order[at[key]] = position
        at[key] += 1
    return ends, order


@njit(nogil=True, cache=True)
def order_rows(start, end, ends, order, item_idx, indptr):  # type: ignore[no-untyped-def]
    """Put the positions of users `start` to `end`, which are in order of input, in order of item, then input; in their own memory.

    indptr[u + 1]: how many items the user has.
    """
    longest = 0
    for u in range(start, end):
        longest = max(longest, ends[u + 1] - ends[u])
    keys = np.empty(longest, np.int64)
    for u in range(start, end):
        first, n = ends[u], ends[u + 1] - ends[u]
        for e in range(n):
            position = order[first + e]
            keys[e] = np.int64(item_idx[position]) << 32 | position
        row = keys[:n]
        row.sort()
        n_distinct = 0
        for e in range(n):
            order[first + e] = row[e] & 0xFFFFFFFF
            n_distinct += e == 0 or row[e] >> 32 != row[e - 1] >> 32
        indptr[u + 1] = n_distinct


@njit(nogil=True, cache=True)
def affinities(start, end, ends, order, item_idx, weight, time, now, half_life, indptr, indices, affinity, unity, exponent):  # type: ignore[no-untyped-def]
    """Decayed weights, one per user and item: A = Σ weight · min(1, 2 ** ((time - now) / half_life)) over the pair's events.

    `time` int64 and `now` in epoch seconds; `time` is empty without decay. Every row is divided by 2 ** exponent, where exponent is the
    decay of its newest event, rounded down: so rows that are old as a whole do not underflow. Fills the rows of users `start` to `end`
    of arrays as in contract/artifacts/artifact.py, which begin at indptr; returns their least and greatest A with exponents applied,
    float64.
    """
    decays = time.size > 0
    least, most = np.inf, -np.inf
    for u in range(start, end):
        newest = -np.inf
        if decays:
            for e in range(ends[u], ends[u + 1]):
                newest = max(newest, min(0.0, (time[order[e]] - now) / half_life))
            exponent[u] = np.int32(math.floor(newest))
        e, filled = ends[u], indptr[u]
        while e < ends[u + 1]:
            item = item_idx[order[e]]
            total, unit = 0.0, 0.0
            while e < ends[u + 1] and item_idx[order[e]] == item:
                decay = 1.0
                if decays:
                    decay = 2.0 ** (min(0.0, (time[order[e]] - now) / half_life) - exponent[u])
                total += weight[order[e]] * decay
                unit += decay
                e += 1
            indices[filled], affinity[filled], unity[filled] = item, total, unit
            filled += 1
            whole = math.ldexp(total, exponent[u])
            least, most = min(least, whole), max(most, whole)
    return least, most


@njit(nogil=True, cache=True)
def transpose(indptr, indices, n_items):  # type: ignore[no-untyped-def]
    """Users of every item in rising order: ends, int64 (n_items + 1), and user_idx, int32."""
    ends = _ends(indices, n_items)
    at = ends[:-1].copy()
    users = np.empty(indices.size, np.int32)
    for u in range(indptr.size - 1):
        for position in range(indptr[u], indptr[u + 1]):
            item = indices[position]
            users[at[item]] = u
            at[item] += 1
    return ends, users
