"""Compiled inner loops of packed.py."""

from __future__ import annotations

import numpy as np
from numba import njit

_LANES = 4
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def mark(values, low, seen):  # type: ignore[no-untyped-def]
    """Set seen[value - low] for every value."""
    for value in values:
        seen[value - low] = True


@njit(nogil=True, cache=True)
def look_up(values, low, table, out):  # type: ignore[no-untyped-def]
    """Fill `out` with table[value - low]."""
    for at in range(values.size):
        out[at] = table[values[at] - low]


@njit(nogil=True, cache=True)
def decode(codes, table, out):  # type: ignore[no-untyped-def]
    """Fill `out` with table[code]; False where a code has no place in it."""
    good = True
    for at in range(codes.size):
        code = codes[at]
        if code >= table.size:
            good = False
            code = 0
        out[at] = table[code]
    return good


@njit(nogil=True, cache=True)
def checksum(words):  # type: ignore[no-untyped-def]
    """Of uint64: a polynomial in each of four lanes, so that no word and no order of words goes unseen."""
    sums = np.full(_LANES, np.uint64(words.size), np.uint64)
    whole = words.size - words.size % _LANES
    for at in range(0, whole, _LANES):
        for lane in range(_LANES):
            sums[lane] = sums[lane] * _FACTOR + words[at + lane]
    for at in range(whole, words.size):
        sums[0] = sums[0] * _FACTOR + words[at]
    total = np.uint64(0)
    for lane in range(_LANES):
        total = (total ^ (total >> np.uint64(29))) * _FACTOR + sums[lane]
    return total
