"""Columns of items by which answers may be filtered, as bytes, and back: typed arrays of the standard library, one value a row.

Rows stand in the order of `Rows.keys`. One row more stands at the end and has no value: position -1 is what is known of an item that
nobody knows.

kind      values                                         none           words
number    b, h, i or q: the number; or d                 least; NaN     -
flag      b: 1 false, 2 true                             0              -
text      H or I: the word's number, from 1, by UTF-8    0              all, sorted
texts     H or I: numbers of words, side by side; `starts`: where those of each row begin
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.packed import Array, n_bytes_of, pack, unpack
from contract.settings.lists import ColumnKind

Kind = ColumnKind
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

    def beginning(self, text: str) -> range:
        """Places, from 0, of the words that begin with `text`; itself, where it is one, is the first."""
        wanted = text.encode()
        places = range(len(self))
        start = bisect_left(places, wanted, key=self.at)
        return range(start, bisect_left(places, wanted + b"\xff", lo=start, key=self.at))  # 0xff is in no UTF-8

    def place(self, text: str) -> tuple[int, bool]:
        """The number that `text` has, or would have, and whether it is there."""
        wanted = text.encode()
        at = bisect_left(range(len(self)), wanted, key=self.at)
        return at + 1, at < len(self) and self.at(at) == wanted

    def at(self, at: int) -> bytes:
        """By its place, from 0."""
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
        return n_bytes_of(self.values) + (n_bytes_of(self.starts) if self.starts is not None else 0) + words


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
    return pack(column.kind, [column.values, column.starts or array("I"), words.starts, words.data])


def decode_column(raw: bytes) -> Column:
    """Raises PayloadError for bytes that `encode_column` did not make."""
    kind, (values, starts, word_starts, data) = unpack(raw, ("number", "flag", "text", "texts"), 4)
    words = Words(word_starts, data) if kind in ("text", "texts") else None
    return Column(kind, values, starts if kind == "texts" else None, words)  # type: ignore[arg-type]


def encode_rows(rows: Rows) -> bytes:
    return pack("rows", [rows.keys])


def decode_rows(raw: bytes) -> Rows:
    """Raises PayloadError for bytes that `encode_rows` did not make."""
    _, (keys,) = unpack(raw, ("rows",), 1)
    return Rows(keys)
