"""Compiled inner loop of digest.py."""

from __future__ import annotations

import numpy as np
from numba import njit

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime) for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)


@njit(nogil=True, inline="always")
def _turned(value, left):  # type: ignore[no-untyped-def]
    return (value << np.uint64(left)) | (value >> np.uint64(64 - left))


@njit(nogil=True, inline="always")
def _round(lane, word):  # type: ignore[no-untyped-def]
    return _turned(lane + word * _P2, 31) * _P1


@njit(nogil=True, cache=True)
def xxh64(data, seed):  # type: ignore[no-untyped-def]
    """Of uint8, on a machine whose least byte comes first."""
    n = data.size
    words = data[: n - n % 8].view(np.uint64)
    at = 0
    if n >= 32:
        one, two, three, four = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
        while at + 4 <= words.size:
            one, two = _round(one, words[at]), _round(two, words[at + 1])
            three, four = _round(three, words[at + 2]), _round(four, words[at + 3])
            at += 4
        total = _turned(one, 1) + _turned(two, 7) + _turned(three, 12) + _turned(four, 18)
        for lane in (one, two, three, four):
            total = (total ^ _round(np.uint64(0), lane)) * _P1 + _P4
    else:
        total = seed + _P5
    total += np.uint64(n)
    while at < words.size:
        total = _turned(total ^ _round(np.uint64(0), words[at]), 27) * _P1 + _P4
        at += 1
    at *= 8
    if at + 4 <= n:
        word = np.uint64(0)
        for byte in range(4):
            word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
        total = _turned(total ^ (word * _P1), 23) * _P2 + _P3
        at += 4
    while at < n:
        total = _turned(total ^ (np.uint64(data[at]) * _P5), 11) * _P1
        at += 1
    total = (total ^ (total >> np.uint64(33))) * _P2
    total = (total ^ (total >> np.uint64(29))) * _P3
    return total ^ (total >> np.uint64(32))
