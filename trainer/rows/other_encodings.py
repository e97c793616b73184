"""Whether texts that were read as cp1252, since they are not UTF-8, are so for certain; and as what else they can be read.

An encoding explains texts when all their bytes are letters in it, and words look like words: of one script, no capital behind a small
letter, accents one by one. Nothing else is known of a language; where two encodings explain the texts, only a person can tell.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

WESTERN = "cp1252"
"""What Excel writes where it does not write UTF-8."""
KEEPING = "larder-keeping"  # the name of a way to decode: no byte is lost, be it one that cp1252 leaves undefined
LOOKED_AT = 2000  # texts that are not ASCII
_LATIN = {WESTERN: 2, "cp1250": 3, "iso8859-2": 3, "cp1254": 2}
"""And how many accents follow one another at the most."""
_LETTERS = {"cp1251": "CYRILLIC", "koi8-r": "CYRILLIC", "cp1253": "GREEK", "cp1255": "HEBREW", "cp1256": "ARABIC"}
_EAST = {"shift_jis": "cp932", "gbk": "gbk", "euc-kr": "cp949", "big5": "big5", "euc-jp": "euc_jp"}
_EASTERN = re.compile(r"[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9f\u3131-\u318e\u00b7]+")
_SQUEEZED = re.compile(r"[A-Za-z][^\x00-\x7f]+[A-Za-z]")
_PUNCTUATION = "«»“”„‘’‚–—…€£©®™°·§¡¿ºª\xa0"
_WORD = re.compile(r"[^\W\d_]+")
_KANA = re.compile(r"[\uff61-\uff9f]")  # of half width: what other encodings' bytes become


def _keep(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(KEEPING, _keep)


@dataclass(frozen=True, slots=True)
class Readings:
    """`certain`: nothing but cp1252 explains the texts. `others`: the encodings that do, and a text as it is in each of them."""

    western: bool
    others: tuple[tuple[str, str], ...]
    text: str

    @property
    def certain(self) -> bool:
        return self.western and not self.others


def readings(texts: Iterable[object]) -> Readings | None:
    """Of texts that were read as cp1252. None where all are ASCII."""
    some = [*islice((one for one in texts if isinstance(one, str) and not one.isascii()), LOOKED_AT)]
    raws = [raw for one in some if (raw := _bytes(one))]
    if not raws:
        return None
    texts_as = {name: _explained(raws, name) for name in (*_LATIN, *_LETTERS, *_EAST)}
    western = texts_as.pop(WESTERN) is not None
    others: list[tuple[str, str]] = []
    shown = some[0]
    for name, read in texts_as.items():
        differs = next((at for at, text in enumerate(read or ()) if text != some[at]), None)
        if read and differs is not None and read[differs] not in (text for _, text in others):
            others.append((name, read[differs]))
            shown = some[differs] if len(others) == 1 else shown
    return Readings(western, tuple(others), shown)


def _bytes(text: str) -> bytes:
    """Of a text that was decoded as cp1252, what it was decoded from; nothing if it was not."""
    raw = bytearray()
    for letter in text:
        try:
            raw += letter.encode(WESTERN)
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:  # of another file, which is UTF-8
                return b""
            raw.append(ord(letter))
    return bytes(raw)


def _explained(raws: Sequence[bytes], name: str) -> list[str] | None:
    """The texts in that encoding, if all are words in it."""
    found = []
    for raw in raws:
        try:
            text = raw.decode(_EAST.get(name, name))
        except UnicodeDecodeError:
            return None
        if not (_is_eastern(text) if name in _EAST else _is_written(text, name)):
            return None
        found.append(text)
    return found


def _is_eastern(text: str) -> bool:
    foreign = "".join(letter for letter in text if not letter.isascii())
    return bool(_EASTERN.fullmatch(foreign)) and not _SQUEEZED.search(text) and not _KANA.search(text)


def _is_written(text: str, name: str) -> bool:
    if not all(letter.isascii() or letter.isalpha() or letter in _PUNCTUATION for letter in text):
        return False
    if re.search(rf"[^\W\d_][{_PUNCTUATION.replace('’', '')}][^\W\d_]", text):
        return False
    return all(word.isascii() or _is_word(word, name) for word in _WORD.findall(text))


def _is_word(word: str, name: str) -> bool:
    foreign = [letter for letter in word if not letter.isascii()]
    if any(a.islower() and b.isupper() and not (a + b).isascii() for a, b in pairwise(word)):
        return False
    if name in _LATIN:
        accents = re.findall(r"[^\x00-\x7f]+", word)
        return max(map(len, accents)) <= _LATIN[name] and all(unicodedata.name(one, "").startswith("LATIN") for one in foreign)
    script = _LETTERS[name]
    return len(foreign) == len(word) and all(unicodedata.name(one, "").startswith(script) for one in foreign)
