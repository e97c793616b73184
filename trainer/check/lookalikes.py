"""Ids that people take for one another: the same but for case, the form of Unicode, or characters that nobody sees."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from contract.formats.keys import Id

SHOWN = 3
WORDS_FOR_NONE = frozenset({"na", "n/a", "nan", "none", "null", "nil", "undefined", "<na>", "<null>", "unknown", "(null)", "-", "?"})
_LATIN = str.maketrans("\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u03bf\u03b1", "aeopcyxijsoa")
"""Letters of Cyrillic and Greek that look as Latin ones do."""
_UUID = re.compile(r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?")


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """`n` ids that have a twin, and some of them beside each other; ids that are words for none."""

    n: int
    groups: tuple[tuple[str, ...], ...]
    none: tuple[str, ...]


def lookalikes(ids: Sequence[Id]) -> Lookalikes:
    if not ids or not isinstance(ids[0], str):
        return Lookalikes(0, (), ())
    alike: defaultdict[str, list[str]] = defaultdict(list)
    texts = [str(one) for one in ids]
    seen = list(map(_seen, texts))
    again = {one for one, n in Counter(seen).items() if n > 1} | WORDS_FOR_NONE  # a list for each of a million ids takes seconds
    for one, text in zip(seen, texts, strict=True):
        if one in again:
            alike[one].append(text)
    groups = [tuple(sorted(group)) for group in alike.values() if len(group) > 1]
    none = sorted(text for word in WORDS_FOR_NONE for text in alike.get(word, ()))
    return Lookalikes(sum(map(len, groups)), tuple(groups[:SHOWN]), tuple(none))


def _seen(text: str) -> str:
    """What is seen of an id, without regard to case, and to how pages and addresses write letters (&amp;, %20)."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    if len(text) in (32, 36, 38) and (uuid := _UUID.fullmatch(text)):
        return "".join(uuid.groups()).casefold()
    if text.isascii() and text.isprintable():
        return " ".join(text.split()).casefold() if " " in text else text.casefold()
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(filter(_is_seen, composed))
    return unicodedata.normalize("NFC", " ".join(visible.split()).casefold()).translate(_LATIN)


def _is_seen(letter: str) -> bool:
    return letter.isspace() or (unicodedata.category(letter) not in ("Cf", "Cc") and not "\ufe00" <= letter <= "\ufe0f")
