"""Compiled inner loops of named_lists.py: what users did, added up by item."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def tally(users, ends, rows, item_idx, fading, counts, faded):  # type: ignore[no-untyped-def]
    """Add to counts each user who met an item, once, and to faded the greatest `fading` of that user's events with it.

    rows of a user are rows[ends[user]:ends[user + 1]]. `fading` is empty where nothing fades. Sums are in the order of `users`.
    """
    greatest = np.full(counts.size, -1.0)
    fades = fading.size > 0
    for user in users:
        for at in range(ends[user], ends[user + 1]):
            row = rows[at]
            weight = fading[row] if fades else 0.0
            greatest[item_idx[row]] = max(greatest[item_idx[row]], weight)
        for at in range(ends[user], ends[user + 1]):
            item = item_idx[rows[at]]
            if greatest[item] >= 0:
                counts[item] += 1
                faded[item] += greatest[item]
                greatest[item] = -1.0


@njit(nogil=True, cache=True)
def earliest(users, ends, rows, item_idx, time, first):  # type: ignore[no-untyped-def]
    """Lower first[item] to the time of the earliest event that one of the users had with it."""
    for user in users:
        for at in range(ends[user], ends[user + 1]):
            row = rows[at]
            first[item_idx[row]] = min(first[item_idx[row]], time[row])
