"""The index of titles by which items are found, as bytes, and back.

Rows are items, the most popular first. A title is the numbers of its words, from 0, in their order; words are sorted by UTF-8.

part        what
ids         q, where all are integers; else texts, one after the other
words       all words, sorted
titles      where the words of each row begin, and their numbers
postings    where the rows of each word begin, and these rows, rising
order       rows that have a title, in the order of its words
categories  all categories, sorted; where the rows of each begin, and these rows, rising
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import PayloadError
from contract.formats.columns import Words
from contract.formats.keys import Id
from contract.formats.packed import Array, pack, unpack

MAX_WORDS = 16
MAX_WORD_LENGTH = 32
"""What is beyond is not looked at, of a title as of a question: so an item takes a bounded number of bytes."""
PARTS = {"ids": 3, "words": 2, "titles": 2, "postings": 2, "order": 1, "categories": 4}
_WORD = re.compile(r"[^\W_]+")
_ACCENTS = frozenset((1, *range(10, 37), *range(200, 256)))
"""Combining classes of Unicode: accents of letters, and points of Hebrew, Arabic and Syriac, which most texts leave out."""
_LOOKS = frozenset(map(chr, (0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Marks that choose how a character is drawn."""


def words_of(text: str) -> list[str]:
    """What a title is compared by: runs of letters and digits, in small letters, without accents.

    Signs of vowels, as Hindi and Thai write them, and of sounds, as in kana, are parts of a word.
    """
    if not text.isascii():
        text = "".join(map(_spelled, unicodedata.normalize("NFKD", text.casefold())))
        return [word[:MAX_WORD_LENGTH] for word in text.lower().split()[:MAX_WORDS]]
    return [word[:MAX_WORD_LENGTH] for word in _WORD.findall(text.lower())[:MAX_WORDS]]


def _spelled(each: str) -> str:
    """What a word has of a character: itself, nothing for an accent, or a space for what parts words."""
    if each.isalnum():
        return each
    if unicodedata.category(each) not in ("Mn", "Mc"):
        return " "
    return "" if unicodedata.combining(each) in _ACCENTS or each in _LOOKS else each


@dataclass(frozen=True, slots=True)
class Titles:
    """`numbers`: ids, where all are integers; else they are `texts`."""

    numbers: Array
    texts: Words
    words: Words
    title_starts: Array
    title_words: Array
    posting_starts: Array
    postings: Array
    order: Array
    categories: Words
    category_starts: Array
    category_rows: Array

    def __len__(self) -> int:
        return len(self.title_starts) - 1

    def id_of(self, row: int) -> Id:
        return int(self.numbers[row]) if self.numbers else self.texts.at(row).decode()

    def title(self, row: int) -> tuple[int, ...]:
        """Numbers of its words."""
        return tuple(self.title_words[self.title_starts[row] : self.title_starts[row + 1]])

    def encoded(self) -> dict[str, bytes]:
        parts: dict[str, list[Array | bytes]] = {
            "ids": [self.numbers, self.texts.starts, self.texts.data],
            "words": [self.words.starts, self.words.data],
            "titles": [self.title_starts, self.title_words],
            "postings": [self.posting_starts, self.postings],
            "order": [self.order],
            "categories": [self.categories.starts, self.categories.data, self.category_starts, self.category_rows],
        }
        return {name: pack(name, part) for name, part in parts.items()}

    @classmethod
    def decoded(cls, raw: Mapping[str, bytes]) -> Titles:
        """Raises PayloadError for bytes that `encoded` did not make."""
        if missing := PARTS.keys() - raw.keys():
            raise PayloadError(f"the index of items has no part {min(missing)}")
        return cls.of_parts({name: decode_part(name, raw[name]) for name in PARTS})

    @classmethod
    def of_parts(cls, parts: Mapping[str, list[Any]]) -> Titles:
        """Each as `decode_part` gives it."""
        numbers, *texts = parts["ids"]
        category_words, category_rows = parts["categories"][:2], parts["categories"][2:]
        return cls(
            *(numbers, Words(*texts), Words(*parts["words"])),
            *(*parts["titles"], *parts["postings"], *parts["order"]),
            *(Words(*category_words), *category_rows),
        )


def decode_part(name: str, raw: bytes) -> list[Any]:
    """Raises PayloadError."""
    return unpack(raw, (name,), PARTS[name])[1]


NO_WORDS = Words(array("I", [0]), b"")
