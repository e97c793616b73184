"""One look at the bytes of a CSV chunk: may its integers be read as integers, or is one written in a way that a number would not keep?"""

from __future__ import annotations

import numpy as np
from numba import njit


def all_canonical(data: bytes, separator: str) -> bool:
    """Whether no field begins with +, a space, -0, or 0 and a digit: `054` is another id than 54."""
    begun = np.frombuffer(b"\n" + data[:1] + data[1:2] + b"\n", np.uint8)
    mark = np.uint8(ord(separator))
    return not (_odd(begun, mark) or _odd(np.frombuffer(data, np.uint8), mark))


@njit(cache=True, nogil=True)
def _odd(data, mark):  # type: ignore[no-untyped-def]
    befores, firsts, seconds = data[:-2], data[1:-1], data[2:]
    found = False
    for at in range(befores.size):  # without branches, and of booleans: Numba makes of two bytes 64 bits, and eight times the work
        before, first, second = befores[at], firsts[at], seconds[at]
        begins = (before == mark) | (before == 10) | (before == 13) | (before == 34)
        zero = (first == 48) & (second >= 48) & (second <= 57)
        minus = (first == 45) & (second == 48)
        found |= begins & (zero | minus | (first == 43) | (first == 32))
    return found
