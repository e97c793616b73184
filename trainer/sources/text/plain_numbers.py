"""Rows of plain numbers, parsed in one pass: most of a CSV of integer ids, weights and times. Whatever else a chunk holds, polars reads it.

A number is taken only where its value is certain: an integer in canonical form, or up to 15 digits with a point among them. These digits
and the power of ten are exact in float64, so that one division rounds as every correct parser does (Clinger, 1990).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numba import njit

from engine.arrays import Array

_SKIPPED, _INTEGER, _NUMBER = range(3)
_NEWLINE, _RETURN, _MINUS, _POINT, _ZERO = (np.uint8(ord(one)) for one in "\n\r-.0")
_ONE, _TEN = np.uint64(1), np.uint64(10)
_INTEGER_DIGITS, _NUMBER_DIGITS = 18, 15
_POWERS = np.power(10.0, np.arange(_NUMBER_DIGITS + 1))
_NO_SEPARATOR = "0123456789.-\r\n"


def parse(
    data: bytes, n_rows: int, separator: str, width: int, integers: Collection[int], numbers: Collection[int]
) -> dict[int, Array] | None:
    """The fields at the places `integers`, int64, and `numbers`, float64, two at most of each; all others are skipped. None for anything
    but `n_rows` lines of `width` fields that are such numbers there. Each column has memory of its own, to be let go by itself."""
    if separator in _NO_SEPARATOR or ord(separator) > 127:
        return None
    kinds = np.full(width, _SKIPPED, np.uint8)
    kinds[list(numbers)], kinds[list(integers)] = _NUMBER, _INTEGER
    places = [np.flatnonzero(kinds == kind).tolist() for kind in (_INTEGER, _NUMBER)]
    columns = [np.empty(n_rows, dtype) for dtype in (np.int64, np.int64, np.float64, np.float64)]
    text = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", np.uint8)
    if not _parse(text, np.uint8(ord(separator)), kinds, *columns):
        return None
    return {place: columns[2 * kind + at] for kind, found in enumerate(places) for at, place in enumerate(found)}


@njit(cache=True, nogil=True)
def _parse(data, separator, kinds, integer, other_integer, number, other_number):  # type: ignore[no-untyped-def]
    """Fill the columns; whether there is nothing else. `data` ends with a newline, which ends every loop over its bytes."""
    at = np.uint64(0)
    for row in range(integer.size):
        if at >= np.uint64(data.size):
            return False
        integers, numbers = 0, 0
        for place in range(kinds.size):
            kind = kinds[place]
            if kind == _SKIPPED:
                while data[at] != separator and data[at] != _NEWLINE:
                    at += _ONE
            else:
                negative = data[at] == _MINUS
                at += np.uint64(negative)
                first, value = at, np.uint64(0)
                begin = data[at]
                digit = np.uint8(begin ^ _ZERO)
                while digit <= np.uint8(9):
                    value = value * _TEN + np.uint64(digit)
                    at += _ONE
                    digit = np.uint8(data[at] ^ _ZERO)
                n_digits = at - first
                if n_digits == np.uint64(0) or n_digits > np.uint64(_INTEGER_DIGITS) or (begin == _ZERO and n_digits > _ONE):
                    return False
                if kind == _INTEGER:
                    if negative and value == np.uint64(0):
                        return False
                    whole = -np.int64(value) if negative else np.int64(value)
                    if integers == 0:
                        integer[row] = whole
                    else:
                        other_integer[row] = whole
                    integers += 1
                else:
                    n_decimals = np.uint64(0)
                    if data[at] == _POINT:
                        at += _ONE
                        first = at
                        digit = np.uint8(data[at] ^ _ZERO)
                        while digit <= np.uint8(9):
                            value = value * _TEN + np.uint64(digit)
                            at += _ONE
                            digit = np.uint8(data[at] ^ _ZERO)
                        n_decimals = at - first
                        if n_decimals == np.uint64(0):
                            return False
                    if n_digits + n_decimals > np.uint64(_NUMBER_DIGITS):
                        return False
                    real = np.float64(np.int64(value))
                    if n_decimals:
                        real /= _POWERS[n_decimals]
                    if numbers == 0:
                        number[row] = -real if negative else real
                    else:
                        other_number[row] = -real if negative else real
                    numbers += 1
            if place + 1 < kinds.size:
                if data[at] != separator:
                    return False
                at += _ONE
        if data[at] == _RETURN:
            at += _ONE
        if data[at] != _NEWLINE:
            return False
        at += _ONE
    return at == np.uint64(data.size)


@njit(cache=True, nogil=True)
def n_newlines(data):  # type: ignore[no-untyped-def]
    """Of uint8."""
    n = 0
    for byte in data:
        n += byte == _NEWLINE
    return n
