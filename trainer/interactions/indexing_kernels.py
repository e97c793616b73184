"""Compiled inner loops of indexing.py: integers are looked up in a table, part by part."""

from __future__ import annotations

import numpy as np
from numba import njit

_CRC = np.zeros(256, np.uint32)
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0xEDB88320 if _value & 1 else 0)
    _CRC[_byte] = _value
_MOST_DIGITS = 20


@njit(nogil=True, cache=True)
def mark(values, low, table):  # type: ignore[no-untyped-def]
    """Set table[value - low] to 1 for every value."""
    for value in values:
        table[value - low] = 1


@njit(nogil=True, cache=True)
def look_up(values, low, table, out):  # type: ignore[no-untyped-def]
    """Fill `out` with table[value - low]."""
    for at in range(values.size):
        out[at] = table[values[at] - low]


@njit(nogil=True, cache=True)
def count(positions, counts):  # type: ignore[no-untyped-def]
    """Add to counts how often each position occurs."""
    for position in positions:
        counts[position] += 1


@njit(nogil=True, cache=True)
def bucket(ids, n_buckets, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the bucket of each id, int64: the crc32 of its text, as contract/formats/keys.py has it."""
    digits = np.empty(_MOST_DIGITS, np.uint8)
    for at in range(ids.size):
        value = ids[at]
        crc = np.uint32(0xFFFFFFFF)
        if value < 0:
            crc = _CRC[(crc ^ np.uint32(45)) & np.uint32(255)] ^ (crc >> np.uint32(8))
        rest = np.uint64(-(value + 1)) + np.uint64(1) if value < 0 else np.uint64(value)
        n = 0
        while n == 0 or rest > np.uint64(0):
            digits[n] = rest % np.uint64(10)
            rest //= np.uint64(10)
            n += 1
        while n > 0:
            n -= 1
            crc = _CRC[(crc ^ np.uint32(48 + digits[n])) & np.uint32(255)] ^ (crc >> np.uint32(8))
        out[at] = (crc ^ np.uint32(0xFFFFFFFF)) % np.uint32(n_buckets)
