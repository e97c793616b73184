"""Records of separated fields, byte by byte: where each begins, which are none, and all others written so that every reader agrees on them.

A quotation mark counts where it opens a field and another one closes that field. Any other is a letter like all letters, as long as
the record then has all its fields; a record that doesn't is a fault, and so is one whose lines might as well be records themselves.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.arrays import Array
from trainer.sources.text.field_kernels import (
    NEWLINE,
    QUOTE,
    RETURN,
    are_records,
    closing,
    copy,
    ends_field,
    field_end,
    is_full,
    line_end,
    with_backslashes,
)

GOOD, TOO_MANY, NEVER_CLOSED, HELD, STRAY = range(5)
RECORD_BYTES = 1 << 20  # a quotation mark that is not closed within so many bytes was never meant to open


def rewrite(
    data: bytes, separator: str, quoted: bool, width: int, surplus: int, numeric: Array, *, final: bool
) -> tuple[int, Array, Array, Array, Array, Array]:
    """(bytes of `data` used up, text of the good records, and of every record: its first byte, line, number of lines, kind of fault).

    `width`: fields of a record; `surplus`: empty ones that may follow. `numeric`: of each field, whether it should begin like a number.
    A record that may go on after `data` is left to be used up with what follows, unless this is the `final` part.
    """
    text = np.frombuffer(data, np.uint8)
    n_lines = data.count(b"\n") + 1
    out = np.empty(3 * text.size + 16, np.uint8)
    starts, lines, spans, kinds = (np.empty(n_lines, dtype) for dtype in (np.int64, np.int64, np.int64, np.uint8))
    used, n_out, n = _rewrite(
        text, np.uint8(ord(separator)), quoted, width, surplus, numeric, RECORD_BYTES, final, out, starts, lines, spans, kinds
    )
    return used, out[:n_out], starts[:n], lines[:n], spans[:n], kinds[:n]


@njit(cache=True, nogil=True)
def _rewrite(data, separator, quoted, width, surplus, numeric, longest, final, out, starts, lines, spans, kinds):  # type: ignore[no-untyped-def]
    start, line, n_out, n = 0, 0, 0, 0
    while start < data.size:
        first_out, end_out, at = n_out, n_out, start
        fields, filled, span, stop = 0, 0, 1, -1
        letters, kind = False, GOOD
        while True:
            literal = False
            end = field_end(data, at, separator)
            if quoted and at < data.size and data[at] == QUOTE:
                close = closing(data, at + 1, min(data.size, at + longest))
                if close < 0 and not final and at + longest > data.size:
                    return start, first_out, n
                inside = 0
                for place in range(at, close):
                    inside += data[place] == NEWLINE
                if close >= 0 and ends_field(data, close + 1, separator):
                    span += inside
                    end = field_end(data, close + 1, separator)
                elif close >= 0 and inside == 0:
                    literal = True
                else:
                    kind = NEVER_CLOSED
                    stop = close if close >= 0 else min(data.size, at + longest)
                    break
            elif quoted:
                for place in range(at, end):
                    literal |= data[place] == QUOTE
            last = end >= data.size or data[end] == NEWLINE
            text_end = end - 1 if last and end > at and data[end - 1] == RETURN else end
            letters |= literal
            fields += 1
            if text_end > at:
                filled = fields
            n_out = copy(data, at, text_end, out, n_out, literal)
            if fields == width:
                end_out = n_out
            if last:
                stop = end
                break
            out[n_out] = separator
            n_out += 1
            at = end + 1
        if kind == NEVER_CLOSED:
            if not are_records(data, start, stop, separator, width, surplus, numeric):
                kind, stop = STRAY, line_end(data, min(stop, data.size - 1))
                for place in range(start, stop):
                    span += data[place] == NEWLINE
            else:
                span, stop = 1, line_end(data, start)
        else:
            complete = fields == width or (fields == width + surplus and filled <= width)
            full = span > 1 and is_full(data, start, separator, width, surplus, numeric)
            if full and are_records(data, start, stop, separator, width, surplus, numeric):
                kind = HELD
            if kind == GOOD and not complete:
                kind = STRAY if letters else TOO_MANY if fields > width else GOOD
            if fields > width:
                n_out = end_out
        if letters or kind in (NEVER_CLOSED, HELD, STRAY):
            escaped = with_backslashes(data, start, separator, width, surplus, out, n_out)
            if escaped >= 0:
                kind, span, stop = GOOD, 1, line_end(data, start)
                for place in range(escaped - n_out):
                    out[first_out + place] = out[n_out + place]
                n_out = first_out + escaped - n_out
        if kind == GOOD:
            out[n_out] = NEWLINE
            n_out += 1
        else:
            n_out = first_out
        starts[n], lines[n], spans[n], kinds[n] = start, line, span, kind
        n += 1
        line += span
        start = stop + 1
    return data.size, n_out, n
