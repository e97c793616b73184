"""Columns of items by which answers may be filtered, as bytes, and back: typed arrays of the standard library, one value a row.

Rows stand in the order of `Rows.keys`. One row more stands at the end and has no value: position -1 is what is known of an item that
nobody knows.

kind      values                                         none           words
number    b, h, i or q: the number; or d                 least; NaN     -
flag      b: 1 false, 2 true                             0              -
text      H or I: the word's number, from 1, by UTF-8    0              all, sorted
texts     H or I: numbers of words, side by side; `starts`: where those of each row begin

Bytes: a line of JSON, {format, kind, parts: [[type of an array or "", bytes], ...]}, then the parts, little endian.
"""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

from contract.errors import PayloadError
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.settings.lists import ColumnKind

FORMAT = 1
Kind = ColumnKind
Array: TypeAlias = "array[Any]"  # Python 3.11 knows no array[...]
_SIZES = {"b": 1, "h": 2, "i": 4, "q": 8, "d": 8, "H": 2, "I": 4, "Q": 8}


@dataclass(frozen=True, slots=True)
class Words:
    """Texts in the order of their UTF-8, in one piece; numbered from 1."""

    starts: Array
    data: bytes

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """`texts` are sorted, each stands there once."""
        spelled = [text.encode() for text in texts]
        starts = array("I", [0])
        for text in spelled:
            starts.append(starts[-1] + len(text))
        return cls(starts, b"".join(spelled))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def place(self, text: str) -> tuple[int, bool]:
        """The number that `text` has, or would have, and whether it is there."""
        wanted = text.encode()
        at = bisect_left(range(len(self)), wanted, key=self._at)
        return at + 1, at < len(self) and self._at(at) == wanted

    def _at(self, at: int) -> bytes:
        return self.data[self.starts[at] : self.starts[at + 1]]


@dataclass(frozen=True, slots=True)
class Column:
    kind: Kind
    values: Array
    starts: Array | None = None
    words: Words | None = None

    @property
    def none(self) -> int:
        """What stands for no value in `values`; of no use where these are d."""
        if self.kind != "number":
            return 0
        return 0 if self.values.typecode == "d" else least(self.values.typecode)

    @property
    def n_bytes(self) -> int:
        """Of memory, nearly."""
        words = 0 if self.words is None else len(self.words.data) + 4 * len(self.words.starts)
        return _n_bytes(self.values) + (_n_bytes(self.starts) if self.starts is not None else 0) + words


@dataclass(frozen=True, slots=True)
class Rows:
    """In which row an item stands. `keys`, rising: ids where all are integers (q), else hashes of their texts (Q)."""

    keys: Array

    def of(self, item_id: Id) -> int:
        """-1 for an item that is not there."""
        if self.keys.typecode == "Q":
            key = hash_of(str(item_id))
        else:
            number = item_id if isinstance(item_id, int) else stored_id(item_id, "int")
            if not isinstance(number, int):
                return -1
            key = number
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else -1


def hash_of(text: str) -> int:
    """64 bits of BLAKE2b: of a million ids, two are alike once in thirty-seven million catalogues."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def least(typecode: str) -> int:
    """The least integer of a signed type."""
    return -(1 << (8 * _SIZES[typecode] - 1))


def encode_column(column: Column) -> bytes:
    words = column.words or Words(array("I", [0]), b"")
    return _encode(column.kind, [column.values, column.starts or array("I"), words.starts, words.data])


def decode_column(raw: bytes) -> Column:
    """Raises PayloadError for bytes that `encode_column` did not make."""
    kind, (values, starts, word_starts, data) = _decode(raw, ("number", "flag", "text", "texts"), 4)
    words = Words(word_starts, data) if kind in ("text", "texts") else None
    return Column(kind, values, starts if kind == "texts" else None, words)  # type: ignore[arg-type]


def encode_rows(rows: Rows) -> bytes:
    return _encode("rows", [rows.keys])


def decode_rows(raw: bytes) -> Rows:
    """Raises PayloadError for bytes that `encode_rows` did not make."""
    _, (keys,) = _decode(raw, ("rows",), 1)
    return Rows(keys)


def _encode(kind: str, parts: Sequence[Array | bytes]) -> bytes:
    spelled = [part if isinstance(part, bytes) else _little(part).tobytes() for part in parts]
    types = ["" if isinstance(part, bytes) else part.typecode for part in parts]
    head = {"format": FORMAT, "kind": kind, "parts": [[code, len(data)] for code, data in zip(types, spelled, strict=True)]}
    return json.dumps(head).encode() + b"\n" + b"".join(spelled)


def _decode(raw: bytes, kinds: Sequence[str], n_parts: int) -> tuple[str, list[Any]]:
    line, _, data = raw.partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise PayloadError(f"a column of items has format {head['format']}; this version reads {FORMAT}: upgrade the API")
        parts: list[Any] = []
        start = 0
        for code, n_bytes in head["parts"]:
            part = data[start : start + n_bytes]
            start += n_bytes
            parts.append(_little(array(code, part)) if code else part)
        if start == len(data) and head["kind"] in kinds and len(parts) == n_parts:
            return head["kind"], parts
    except (ValueError, KeyError, TypeError) as error:
        raise PayloadError(f"a column of items of {len(raw)} bytes is damaged") from error
    raise PayloadError(f"a column of items of {len(raw)} bytes is damaged")


def _little(values: Array) -> Array:
    """`values` with their bytes turned round on a machine that writes the greatest first."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values


def _n_bytes(values: Array) -> int:
    return values.itemsize * len(values)
