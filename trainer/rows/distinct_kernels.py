"""The compiled loop behind distinct.py."""

from __future__ import annotations

import numpy as np
from numba import njit

_FIRST_SIZE = 1 << 12


@njit(cache=True, nogil=True)
def encode(hashes, most):  # type: ignore[no-untyped-def]
    """Of hashes, uint64: the number of each among the distinct ones as they come, uint32, and the row where each of these comes first,
    int64; no rows where there are more than `most`."""
    mask = np.uint64(_FIRST_SIZE - 1)
    slots = np.full(_FIRST_SIZE, -1, np.int64)
    known, rows = np.empty(most, np.uint64), np.empty(most, np.int64)
    codes = np.empty(hashes.size, np.uint32)
    n = 0
    for row in range(hashes.size):
        value = hashes[row]
        at = value & mask
        while slots[at] >= 0 and known[slots[at]] != value:
            at = (at + np.uint64(1)) & mask
        code = slots[at]
        if code < 0:
            if n == most:
                return codes, rows[:0]
            code = n
            slots[at], known[n], rows[n] = code, value, row
            n += 1
            if 2 * n > slots.size:
                slots = np.full(2 * slots.size, -1, np.int64)
                mask = np.uint64(slots.size - 1)
                for other in range(n):
                    at = known[other] & mask
                    while slots[at] >= 0:
                        at = (at + np.uint64(1)) & mask
                    slots[at] = other
        codes[row] = code
    return codes, rows[:n]
