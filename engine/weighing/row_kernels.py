"""Compiled inner loops over rows of users. Arrays in, arrays out; rows.py and affinity.py call them."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

BINARY, WEIGHTS, LOG = range(3)
NONE, NOW, OWN_LAST, RANK = range(4)


@njit(nogil=True, cache=True)
def occurrences(indptr, item_idx, n_items):  # type: ignore[no-untyped-def]
    """Of every item its ends, and the users, rising, with the places of the pairs: int64 (n_items + 1), int32, int64."""
    ends = np.zeros(n_items + 1, np.int64)
    for item in item_idx:
        ends[item + 1] += 1
    for i in range(n_items):
        ends[i + 1] += ends[i]
    free = ends[:-1].copy()
    users, places = np.empty(item_idx.size, np.int32), np.empty(item_idx.size, np.int64)
    for u in range(indptr.size - 1):
        for at in range(indptr[u], indptr[u + 1]):
            to = free[item_idx[at]]
            users[to], places[to] = u, at
            free[item_idx[at]] += 1
    return ends, users, places


@njit(nogil=True, cache=True)
def row_sums(indptr, weights):  # type: ignore[no-untyped-def]
    sums = np.zeros(indptr.size - 1, np.float64)
    for u in range(sums.size):
        for at in range(indptr[u], indptr[u + 1]):
            sums[u] += weights[at]
    return sums


@njit(nogil=True, cache=True)
def weigh(indptr, weights, timestamps, kind, decay, amount, power, scale, now, out, exponents):  # type: ignore[no-untyped-def]
    """Weights of pairs, as affinity.py defines them, into `out` float32, each row divided by 2 ** exponents[user] (int32).

    `timestamps` may be empty under NONE. `amount`: the half-life in seconds, or the base under RANK.
    """
    widest = 0
    for u in range(indptr.size - 1):
        widest = max(widest, indptr[u + 1] - indptr[u])
    logs, values = np.empty(widest, np.float64), np.empty(widest, np.float64)
    for u in range(indptr.size - 1):
        start, stop = indptr[u], indptr[u + 1]
        n = stop - start
        if n == 0:
            continue
        logs[:n] = 0.0
        if decay in (NOW, OWN_LAST):
            last = now
            if decay == OWN_LAST:
                last = timestamps[start]
                for at in range(start, stop):
                    last = max(last, timestamps[at])
            for r in range(n):
                logs[r] = min(0.0, -(last - timestamps[start + r]) / amount)
        elif decay == RANK:
            order = np.argsort(-timestamps[start:stop], kind="mergesort")
            rank = 0
            for r in range(n):
                if r > 0 and timestamps[start + order[r]] != timestamps[start + order[r - 1]]:
                    rank = r
                logs[order[r]] = rank * math.log2(amount)
        newest = -np.inf
        for r in range(n):
            logs[r] *= power
            newest = max(newest, logs[r])
        total = 0.0
        for r in range(n):
            weight = np.float64(weights[start + r])
            value = 1.0 if kind == BINARY else weight if kind == WEIGHTS else math.log1p(weight)
            values[r] = value * 2.0 ** (logs[r] - newest)
            total += values[r]
        lift = newest * (1.0 - scale)  # of the row's sum, 2 ** (newest · scale) is divided away
        exponent = math.floor(lift)
        factor = 2.0 ** (lift - exponent) / (total**scale if total > 0.0 else 1.0)
        for r in range(n):
            out[start + r] = values[r] * factor
        exponents[u] = np.int32(exponent)


@njit(nogil=True, cache=True)
def by_time(indptr, timestamps):  # type: ignore[no-untyped-def]
    """Places of every row's pairs in order of time, then of item: int64 (n_pairs)."""
    order = np.empty(timestamps.size, np.int64)
    for u in range(indptr.size - 1):
        start, stop = indptr[u], indptr[u + 1]
        if stop > start:
            order[start:stop] = start + np.argsort(timestamps[start:stop], kind="mergesort")
    return order
