"""Compiled inner loops of directed transitions. Arrays in, arrays out; slit.py defines what they sum.

Columns of events, in order of time within a user: ends, users, places as rows.ByItem; indptr int64; items; weights float32; moments
int32; lengths int32 (n_users): distinct moments of a user.
"""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

_LEAST = 1e-9  # what a weight by distance may be before the rest of a row is left out


@njit(nogil=True, cache=True)
def moments(indptr, timestamps):  # type: ignore[no-untyped-def]
    """Numbers of distinct times, int32 (n_pairs), and how many a user has, int32 (n_users); timestamps rise within a user."""
    numbers, lengths = np.zeros(timestamps.size, np.int32), np.zeros(indptr.size - 1, np.int32)
    for u in range(lengths.size):
        for at in range(indptr[u], indptr[u + 1]):
            if at > indptr[u]:
                numbers[at] = numbers[at - 1] + (timestamps[at] != timestamps[at - 1])
            lengths[u] = numbers[at] + 1
    return numbers, lengths


@njit(nogil=True, cache=True)
def past_diagonal(indptr, items, weights, numbers, lengths, cuts, n_items):  # type: ignore[no-untyped-def]
    sums = np.zeros(n_items, np.float64)
    for u in range(lengths.size):
        for at in range(indptr[u], indptr[u + 1]):
            left = lengths[u] - 2 - numbers[at]
            if left >= 0:
                sums[items[at]] += np.float64(weights[at]) ** 2 * cuts[left]
    return sums


@njit(nogil=True, cache=True)
def fill_past(start, end, ends, users, places, indptr, items, weights, numbers, lengths, powers, cuts, upper, out):  # type: ignore[no-untyped-def]
    """Rows `start` to `end` of A into out float64 (end − start, n_items); below the diagonal nothing where `upper`."""
    for i in range(start, end):
        sums = out[i - start]
        for o in range(ends[i], ends[i + 1]):
            user, place = users[o], places[o]
            own, last = numbers[place], lengths[user] - 2
            if own > last:
                continue
            weight = np.float64(weights[place])
            for at in range(place, indptr[user] - 1, -1):
                power = powers[own - numbers[at]]
                if power < _LEAST:
                    break
                if not upper or items[at] >= i:
                    sums[items[at]] += weight * weights[at] * power * cuts[last - own]
            for at in range(place + 1, indptr[user + 1]):
                power = powers[numbers[at] - own]
                if numbers[at] > last or power < _LEAST:
                    break
                if not upper or items[at] >= i:
                    sums[items[at]] += weight * weights[at] * power * cuts[last - numbers[at]]


@njit(nogil=True, cache=True)
def fill_future(start, end, ends, users, places, indptr, items, weights, numbers, by_distance, out):  # type: ignore[no-untyped-def]
    """Of items `start` to `end`, what came before them, into out float64 (end − start, n_items)."""
    for j in range(start, end):
        sums = out[j - start]
        for o in range(ends[j], ends[j + 1]):
            user, place = users[o], places[o]
            weight = np.float64(weights[place])
            for at in range(place - 1, indptr[user] - 1, -1):
                distance = numbers[place] - numbers[at]
                value = by_distance[distance]
                if distance > 1 and value < _LEAST:
                    break
                sums[items[at]] += weight * weights[at] * value
