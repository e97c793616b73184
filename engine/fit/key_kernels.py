"""Compiled inner loops that find the nearest among many similarities.

Each is one number, of which the greater one is nearer: a key, uint64, with the similarity's bits above and the item's, inverted, below.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LEAST = np.float32(np.finfo(np.float32).min)
HALF, SIGN = np.uint64(32), np.uint32(1 << 31)


@njit(nogil=True, cache=True)
def reached(values, n):  # type: ignore[no-untyped-def]
    """A key that at least `n` of the similarities reach: the n-th of the greatest ones of twice as many groups."""
    if values.size <= 2 * n:
        return np.uint64(0)
    groups = np.full(2 * n, LEAST, np.float32)
    for first in range(0, values.size, groups.size):
        some = values[first : first + groups.size]
        for at in range(some.size):
            groups[at] = max(groups[at], some[at] if some[at] != 0.0 else LEAST)
    bits, keys = groups.view(np.uint32), np.empty(groups.size, np.uint64)
    for at in range(groups.size):
        keys[at] = np.uint64(rising(bits[at])) << HALF
    return cut(keys, keys.size, n)


@njit(nogil=True, cache=True)
def add(values, numbers, order, keys, n, bound):  # type: ignore[no-untyped-def]
    """Append the keys above `bound` of similarities that are not 0 to the first `n` of `keys`; how many there are then."""
    lowest = np.uint32(bound >> HALF)
    bits, end = values.view(np.uint32), np.uint64(n)  # no position that Numba would test for a negative one
    for j in range(values.size):
        high = rising(bits[j])
        keys[end] = np.uint64(high) << HALF | np.uint64(numbers[j])  # kept if near: no branch that the processor could mispredict
        end += np.uint64((high >= lowest) & (values[j] != 0.0))
    kept = n
    for at in range(n, np.int64(end)):
        key = keys[at] >> HALF << HALF | np.uint64(~np.uint32(order[np.uint32(keys[at])]))
        keys[kept] = key
        kept += key > bound
    return kept


@njit(nogil=True, cache=True)
def rising(bits):  # type: ignore[no-untyped-def]
    """Of the bits of a float32, an unsigned number in the same order."""
    return bits ^ SIGN if bits < SIGN else ~bits


@njit(nogil=True, cache=True)
def bits_of(number):  # type: ignore[no-untyped-def]
    """The bits of the float32 whose `rising` is `number`."""
    return number ^ SIGN if number >= SIGN else ~number


@njit(nogil=True, cache=True)
def cut(keys, n, most):  # type: ignore[no-untyped-def]
    """Put the `most` greatest of the first `n` keys to the front, in no order; the least of them. Hoare's FIND."""
    low, high = 0, n - 1
    while low < high:
        pivot, left, right = keys[(low + high) // 2], low, high
        while left <= right:
            while keys[left] > pivot:
                left += 1
            while keys[right] < pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left, right = left + 1, right - 1
        if most <= right + 1:
            high = right
        elif most > left:
            low = left
        else:
            break
    return keys[most - 1]
