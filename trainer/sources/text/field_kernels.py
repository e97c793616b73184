"""Fields and lines of a record, byte by byte: where they end, whether a line is a record by itself, and how a field is written anew."""

from __future__ import annotations

from numba import njit

QUOTE, NEWLINE, RETURN, BACKSLASH = 34, 10, 13, 92


@njit(cache=True, nogil=True)
def line_end(data, at):  # type: ignore[no-untyped-def]
    while at < data.size and data[at] != NEWLINE:
        at += 1
    return at


@njit(cache=True, nogil=True)
def field_end(data, at, separator):  # type: ignore[no-untyped-def]
    while at < data.size and data[at] != separator and data[at] != NEWLINE:
        at += 1
    return at


@njit(cache=True, nogil=True)
def closing(data, at, stop):  # type: ignore[no-untyped-def]
    """The first quotation mark from `at` on that is not written twice; -1 without one."""
    while at < stop:
        if data[at] == QUOTE:
            if at + 1 < data.size and data[at + 1] == QUOTE:
                at += 1
            else:
                return at
        at += 1
    return -1


@njit(cache=True, nogil=True)
def ends_field(data, at, separator):  # type: ignore[no-untyped-def]
    if at >= data.size or data[at] == separator or data[at] == NEWLINE:
        return True
    return data[at] == RETURN and (at + 1 >= data.size or data[at + 1] == NEWLINE)


@njit(cache=True, nogil=True)
def is_full(data, at, separator, width, surplus, numeric):  # type: ignore[no-untyped-def]
    """Whether the line at `at` has, by itself, all the fields of a record, with a number where one should be."""
    end = line_end(data, at)
    fields = 0
    while True:
        stop = field_end(data, at, separator)
        if at < end and data[at] == QUOTE:
            close = closing(data, at + 1, end)
            if close >= 0 and ends_field(data, close + 1, separator):
                stop = field_end(data, close + 1, separator)
        elif fields < width and numeric[fields] and at < stop and data[at] != RETURN:
            first = data[at]
            if not (48 <= first <= 57 or first == 43 or first == 45 or first == 46):
                return False
        fields += 1
        if stop >= end:
            return fields == width or fields == width + surplus
        at = stop + 1


@njit(cache=True, nogil=True)
def are_records(data, start, stop, separator, width, surplus, numeric):  # type: ignore[no-untyped-def]
    """Whether the lines after the one at `start` may be records themselves: at least half of them have all their fields."""
    n, full = 0, 0
    at = line_end(data, start) + 1
    while at < stop:
        n += 1
        full += is_full(data, at, separator, width, surplus, numeric)
        at = line_end(data, at) + 1
    return 2 * full >= n


@njit(cache=True, nogil=True)
def copy(data, at, stop, out, n_out, letters):  # type: ignore[no-untyped-def]
    """Write a field as it is or, where its quotation marks are `letters`, in quotation marks with each of them twice."""
    if letters:
        out[n_out] = QUOTE
        n_out += 1
    for place in range(at, stop):
        if letters and data[place] == QUOTE:
            out[n_out] = QUOTE
            n_out += 1
        out[n_out] = data[place]
        n_out += 1
    if letters:
        out[n_out] = QUOTE
        n_out += 1
    return n_out


@njit(cache=True, nogil=True)
def with_backslashes(data, start, separator, width, surplus, out, n_out):  # type: ignore[no-untyped-def]
    """Write the line at `start` as one in which backslashes escape; -1 if it is none: it has no escaped mark, or not all its fields."""
    end = line_end(data, start)
    if end > start and data[end - 1] == RETURN:
        end -= 1
    at, fields, escaped = start, 0, False
    while True:
        fields += 1
        kept = fields <= width
        if at < end and data[at] == QUOTE:
            if kept:
                out[n_out] = QUOTE
                n_out += 1
            at += 1
            while at < end and data[at] != QUOTE:
                if data[at] == BACKSLASH and at + 1 < end and (data[at + 1] == QUOTE or data[at + 1] == BACKSLASH):
                    at += 1
                    if data[at] == QUOTE:
                        escaped = True
                        if kept:
                            out[n_out] = QUOTE
                            n_out += 1
                if kept:
                    out[n_out] = data[at]
                    n_out += 1
                at += 1
            if at >= end or not kept:
                return -1
            out[n_out] = QUOTE
            n_out += 1
            at += 1
        else:
            while at < end and data[at] != separator:
                if data[at] == QUOTE or not kept:
                    return -1
                out[n_out] = data[at]
                n_out += 1
                at += 1
        if at >= end:
            return n_out if escaped and (fields == width or fields == width + surplus) else -1
        if data[at] != separator:
            return -1
        if fields < width:
            out[n_out] = separator
            n_out += 1
        at += 1
