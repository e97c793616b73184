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
def rows_by_user(user_idx, item_idx, n_users, n_items):  # type: ignore[no-untyped-def]
    """Events in order of user, then item, then input: ends of users, int64 (n_users + 1), and positions, int32."""
    _, by_item = group(item_idx, n_items)
    ends = _ends(user_idx, n_users)
    at = ends[:-1].copy()
    order = np.empty(by_item.size, np.int32)
    for position in by_item:
        user = user_idx[position]
        order[at[user]] = position
        at[user] += 1
    return ends, order


@njit(nogil=True, cache=True)
def affinities(ends, order, item_idx, weight, time, now, half_life):  # type: ignore[no-untyped-def]
    """Decayed weights, one per user and item: A = Σ weight · min(1, 2 ** ((time - now) / half_life)) over the pair's events.

    `time` int64 and `now` in epoch seconds; `time` is empty without decay. Every row is divided by 2 ** exponent, where exponent is the
    decay of its newest event, rounded down: so rows that are old as a whole do not underflow. Out, as in contract/artifacts/artifact.py:
    indptr, indices, affinity, unity, exponent; and least and greatest A with their exponents applied, float64.
    """
    n_users, n = ends.size - 1, order.size
    decays = time.size > 0
    indptr = np.zeros(n_users + 1, np.int64)
    indices, affinity, unity = np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.float32)
    exponent = np.zeros(n_users, np.int32)
    least, most = np.inf, -np.inf
    filled = 0
    for u in range(n_users):
        newest = -np.inf
        if decays:
            for e in range(ends[u], ends[u + 1]):
                newest = max(newest, min(0.0, (time[order[e]] - now) / half_life))
            exponent[u] = np.int32(math.floor(newest))
        e = ends[u]
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
        indptr[u + 1] = filled
    return indptr, indices[:filled], affinity[:filled], unity[:filled], exponent, least, most


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
