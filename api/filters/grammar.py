"""A filter read by its grammar, which docs/api.md shows: recursive descent, one function a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.filters.errors import FilterError
from api.filters.tokens import Token, Value, shown, tokens

MAX_DEPTH = 16
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`sign`: one of COMPARISONS, or "in". `position` is that of the column's name."""

    column: str
    position: int
    sign: str
    sign_position: int
    values: Sequence[tuple[Value, int]]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Every:
    parts: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Some:
    parts: Sequence[Node]


Node = Comparison | Not | Every | Some


def parsed(text: str) -> Node:
    """Raises FilterError."""
    reader = _Reader(tokens(text))
    found = reader.some(0)
    reader.expect_end()
    return found


class _Reader:
    """Each method reads one rule from the next token on. `depth`: of parentheses and nots around it."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._tokens = found
        self._at = 0

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._unexpected("and, or, or the end")

    def some(self, depth: int) -> Node:
        parts = [self._every(depth)]
        while self._took("keyword", "or"):
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Some(parts)

    def _every(self, depth: int) -> Node:
        parts = [self._term(depth)]
        while self._took("keyword", "and"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Every(parts)

    def _term(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FilterError(self._next.position, f"more than {MAX_DEPTH} parentheses or nots inside one another")
        if self._took("keyword", "not"):
            return Not(self._term(depth + 1))
        if self._took("sign", "("):
            inner = self.some(depth + 1)
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Node:
        name = self._next
        if name.kind != "name":
            raise self._unexpected("the name of a column, not, or (")
        self._at += 1
        negated = self._took("keyword", "not")
        sign = self._next
        if sign.kind == "keyword" and sign.text == "in":
            self._at += 1
            found = Comparison(name.text, name.position, "in", sign.position, self._values())
            return Not(found) if negated else found
        if negated or sign.kind != "sign" or sign.text not in COMPARISONS:
            raise self._unexpected("in" if negated else f"{' '.join(COMPARISONS)} in, or not in")
        self._at += 1
        equal = Comparison(name.text, name.position, "=" if sign.text == "!=" else sign.text, sign.position, (self._value(),))
        return Not(equal) if sign.text == "!=" else equal

    def _values(self) -> Sequence[tuple[Value, int]]:
        self._need("(")
        found = [self._value()]
        while self._took("sign", ","):
            found.append(self._value())
        self._need(")")
        return found

    def _value(self) -> tuple[Value, int]:
        token = self._next
        if token.kind != "value":
            quoted = "; a text stands between quotation marks" if token.kind == "name" else ""
            raise self._unexpected(f"a number, a text, true or false{quoted}")
        self._at += 1
        return token.value, token.position

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _took(self, kind: str, text: str) -> bool:
        if self._next.kind == kind and self._next.text == text:
            self._at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._took("sign", sign):
            raise self._unexpected(", or )" if sign == ")" else sign)

    def _unexpected(self, expected: str) -> FilterError:
        token = self._next
        said = "the filter ends" if token.kind == "end" else f"{shown(token.text)} stands"
        return FilterError(token.position, f"{said} where {expected} is expected")
