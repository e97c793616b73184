"""A filter cut into words: names, numbers, texts, signs."""

from __future__ import annotations

import json
import math
import re
from typing import Literal, NamedTuple

from api.filters.errors import FilterError

MAX_CHARACTERS = 1000
"""As in request_models.py, for OpenAPI: here, so that the error has a position."""
SHOWN_CHARACTERS = 32
KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})
_TOKEN = re.compile(
    r"""(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<name>[^\W\d][\w.]*)
    |(?P<quoted>`[^`]+`)
    |(?P<sign><=|>=|!=|[=<>(),])""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_FLAGS = {"true": True, "false": False}
Value = bool | int | float | str
TokenKind = Literal["name", "value", "sign", "keyword", "end"]


class Token(NamedTuple):
    """`text`: a sign or a keyword in small letters, or a column's name. `position`: of its first character, from 1."""

    kind: TokenKind
    text: str
    position: int
    value: Value = ""


def tokens(text: str) -> list[Token]:
    """Ends with a token of kind "end". Raises FilterError."""
    if len(text) > MAX_CHARACTERS:
        raise FilterError(MAX_CHARACTERS + 1, f"a filter has at most {MAX_CHARACTERS:,} characters, and this one {len(text):,}")
    found: list[Token] = []
    at = _skip(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(at + 1, _why(text[at:]))
        found.append(_token(match.lastgroup or "", match.group(), at + 1))
        at = _skip(text, match.end())
    return [*found, Token("end", "the end", len(text) + 1)]


def shown(text: str) -> str:
    return json.dumps(text[:SHOWN_CHARACTERS])


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _token(group: str, text: str, position: int) -> Token:
    if group == "number":
        value: int | float = float(text) if set(text) & set(".eE") else int(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise FilterError(position, f"{shown(text)} is too great a number")
        return Token("value", text, position, value)
    if group == "text":
        return Token("value", text, position, text[1:-1].replace(text[0] * 2, text[0]))
    if group == "quoted":
        return Token("name", text[1:-1], position)
    if group == "sign":
        return Token("sign", text, position)
    word = text.lower()
    if word in _FLAGS:
        return Token("value", word, position, _FLAGS[word])
    return Token("keyword", word, position) if word in KEYWORDS else Token("name", text, position)


def _why(rest: str) -> str:
    if rest[0] in "'\"`":
        return f"a text or name that begins with {rest[0]} has no end"
    if rest[0] in "+-.0123456789":
        return f"{shown(rest.split()[0])} begins like a number and is none; a text stands between quotation marks"
    return f"{shown(rest[0])} has no meaning in a filter"
