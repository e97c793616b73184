"""`synthetic:USERSxITEMSxINTERACTIONS`: made-up interactions with the structure of real ones, the same on every machine.

Activity and popularity are log-normal. Every user and item belongs to a taste cluster; two thirds of a user's items come from
the own cluster. A user's events follow each other within weeks, somewhere in five years. Pairs are unique.
"""

from __future__ import annotations

import re
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from contract.errors import DataError

_PATTERN = re.compile(r"synthetic:(\d+)x(\d+)x(\d+)")
SHAPES = {
    "100k": (943, 1_682, 100_000),
    "1m": (6_040, 3_706, 1_000_000),
    "10m": (69_878, 10_677, 10_000_000),
    "20m": (138_493, 26_744, 20_000_000),
    "100m": (1_000_000, 500_000, 100_000_000),
}
"""Users, items and interactions: of MovieLens' sets, and of a large shop."""

CLUSTERS = 16
FEWEST = 5  # interactions of a user
EPOCH = 1_500_000_000
YEARS_S = 5 * 365 * 86400
_ACTIVITY, _POPULARITY, _OWN_CLUSTER = 0.9, 2.0, 0.67  # sigmas of the log-normal laws; share of a user's own cluster


def load(source: str) -> pl.DataFrame:
    """Events of a synthetic source: user int32, item int32 (from 1), weight float32 (1 to 5), time int64."""
    match = _PATTERN.fullmatch(source)
    if match is None:
        raise DataError(f"{source} is not of the form synthetic:USERSxITEMSxINTERACTIONS, as in synthetic:6040x3706x1000000")
    n_users, n_items, n = (int(group) for group in match.groups())
    if not 0 < n_users * FEWEST <= n <= n_users * (n_items // 2):
        raise DataError(f"{source}: {n_users:,} users can have {n_users * FEWEST:,} to {n_users * (n_items // 2):,} interactions")
    user, item, weight, time = generate(n_users, n_items, n)
    return pl.DataFrame({"user": user, "item": item, "weight": weight, "time": time})


def generate(
    n_users: int, n_items: int, n: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Columns of exactly `n` events: user and item from 1, weight, epoch seconds; users in order."""
    activity = np.exp(_ACTIVITY * _normal(n_users, 1))
    counts = _shares(activity, n, FEWEST, n_items // 2)
    popularity = np.exp(_POPULARITY * _normal(n_items, 2))
    cluster = np.argsort(_uniform(n_items, 3)) % CLUSTERS  # scattered, of equal sizes
    by_cluster = np.argsort(cluster, kind="stable").astype(np.int32)
    ends = np.concatenate(([0], np.cumsum(np.bincount(cluster, minlength=CLUSTERS))))
    out = (np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.int64))
    _fill(counts, np.cumsum(popularity), np.cumsum(popularity[by_cluster]), by_cluster, ends, *out)
    return out


def _normal(n: int, stream: int) -> npt.NDArray[np.float64]:
    """Standard normal numbers from a generator of our own, whose bits no version of a library changes."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(value) for value in _uniform(n, stream).tolist()])


def _shares(weights: npt.NDArray[np.float64], total: int, fewest: int, most: int) -> npt.NDArray[np.int64]:
    """Integers near-proportional to `weights`, each between `fewest` and `most`, that add up to `total`."""
    low, high = 0.0, float(total)
    for _ in range(100):  # the scale at which the clipped shares add up
        middle = (low + high) / 2
        if np.clip(weights * middle, fewest, most).sum() < total:
            low = middle
        else:
            high = middle
    counts = np.clip(weights * low, fewest, most).astype(np.int64)
    room = np.flatnonzero(counts < most)
    missing = total - int(counts.sum())
    while missing > 0:
        counts[room[:missing]] += 1
        missing = total - int(counts.sum())
        room = np.flatnonzero(counts < most)
    return counts


@njit(cache=True)
def _next(state):  # type: ignore[no-untyped-def]
    """splitmix64: the next state and a number in [0, 1)."""
    state = np.uint64(state + np.uint64(0x9E3779B97F4A7C15))
    z = state
    z = np.uint64((z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    z = np.uint64((z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    z = z ^ (z >> np.uint64(31))
    return state, np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def _uniform(n, stream):  # type: ignore[no-untyped-def]
    out = np.empty(n, np.float64)
    state = np.uint64(stream) << np.uint64(40)
    for at in range(n):
        state, out[at] = _next(state)
        out[at] = min(max(out[at], 1e-9), 1 - 1e-9)
    return out


@njit(cache=True)
def _fill(counts, cumulative, cumulative_by_cluster, by_cluster, ends, user, item, weight, time):  # type: ignore[no-untyped-def]
    n_items = cumulative.size
    taken = np.full(n_items, -1, np.int64)
    at = 0
    for u in range(counts.size):
        state = np.uint64(u) * np.uint64(0xD1342543DE82EF95) + np.uint64(1)
        own = u % (ends.size - 1)
        first, last = ends[own], ends[own + 1]
        base = cumulative_by_cluster[first - 1] if first > 0 else 0.0
        span = cumulative_by_cluster[last - 1] - base
        state, chance = _next(state)
        clock = np.int64(EPOCH + chance * YEARS_S)
        for e in range(counts[u]):
            j, tries = -1, 0
            while j < 0:
                state, chance = _next(state)
                state, place = _next(state)
                if chance < _OWN_CLUSTER and tries < 20:
                    j = by_cluster[min(np.searchsorted(cumulative_by_cluster, base + place * span), last - 1)]
                else:
                    j = min(np.searchsorted(cumulative, place * cumulative[-1]), n_items - 1)
                tries += 1
                if taken[j] == u:
                    if tries > 40:  # almost all of the popular ones are taken: the next free one
                        while taken[j] == u:
                            j = (j + 1) % n_items
                    else:
                        j = -1
            taken[j] = u
            state, chance = _next(state)
            state, pause = _next(state)
            clock += np.int64(1 + pause * 7200)
            user[at + e], item[at + e] = u + 1, j + 1
            weight[at + e] = np.float32(1 + np.int64(chance * chance * -4 + 4.999 * (1 - chance) + chance * 3.999))
            time[at + e] = clock
        at += counts[u]
