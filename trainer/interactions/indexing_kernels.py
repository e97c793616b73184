"""Compiled inner loops of indexing.py: integers are looked up in a table, part by part."""

from __future__ import annotations

from numba import njit


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
