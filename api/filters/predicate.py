"""A filter as a function of an item's row: columns and types are looked up once, so that an item costs a comparison or two."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from api.filters.errors import FilterError
from api.filters.grammar import Comparison, Every, Node, Not
from api.filters.tokens import SHOWN_CHARACTERS, Value, shown
from contract.formats.columns import Column, Words
from contract.formats.packed import Array

Predicate = Callable[[int], bool]
"""Of a row; -1: of an item that nobody knows. An item without a value meets no comparison."""
_HOLDS = {"number": "numbers", "flag": "true or false", "text": "texts", "texts": "several texts an item"}
_MANY_ITEMS = 3  # from so many parts on, a loop is as fast


def predicate(node: Node, columns: Mapping[str, Column]) -> Predicate:
    """Raises FilterError for a column that is not there, and for a value or a comparison that it can't have."""
    if isinstance(node, Comparison):
        return _compared(node, columns)
    if isinstance(node, Not):
        inner = predicate(node.inner, columns)
        return lambda row: not inner(row)
    parts = [predicate(part, columns) for part in node.parts]
    return _every(parts) if isinstance(node, Every) else _some(parts)


def _every(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) < _MANY_ITEMS:
        first, second = parts
        return lambda row: first(row) and second(row)
    return lambda row: all(part(row) for part in parts)


def _some(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) < _MANY_ITEMS:
        first, second = parts
        return lambda row: first(row) or second(row)
    return lambda row: any(part(row) for part in parts)


def _compared(node: Comparison, columns: Mapping[str, Column]) -> Predicate:
    column = columns.get(node.column)
    if column is None:
        near = difflib.get_close_matches(node.column[:SHOWN_CHARACTERS], columns, n=1, cutoff=0)
        raise FilterError(node.position, f"{shown(node.column)} is not a column that can be filtered by; the nearest is {shown(near[0])}")
    if column.kind in ("flag", "texts") and node.sign not in ("=", "in"):
        raise FilterError(node.sign_position, f"{shown(node.column)} holds {_HOLDS[column.kind]}: = != in and not in are all it knows")
    for value, position in node.values:
        if not _fits(value, column):
            raise FilterError(position, f"{shown(node.column)} holds {_HOLDS[column.kind]}, and this is none")
    values = [value for value, _ in node.values]
    if column.words is not None:
        return _of_words(node.sign, values, column, column.words)
    if column.kind == "flag":
        return _in(column.values, frozenset(int(value) + 1 for value in values if isinstance(value, bool)))
    if node.sign in ("=", "in"):
        return _in(column.values, frozenset(values) - ({column.none} if column.values.typecode != "d" else frozenset()))
    (limit,) = values
    return _between(node.sign, column.values, column.none, limit)


def _fits(value: Value, column: Column) -> bool:
    if column.kind == "flag":
        return isinstance(value, bool)
    if column.kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _of_words(sign: str, values: Sequence[Value], column: Column, words: Words) -> Predicate:
    places = [words.place(str(value)) for value in values]
    if sign in ("=", "in"):
        numbers = frozenset(number for number, is_there in places if is_there)
        return _has(column.values, column.starts, numbers) if column.starts is not None else _in(column.values, numbers)
    ((number, is_there),) = places
    if sign in ("<=", ">") and not is_there:  # the word before is the last that is less
        number -= 1
    return _between(sign, column.values, 0, number)


def _in(values: Array, wanted: frozenset[Value] | frozenset[int]) -> Predicate:
    if len(wanted) == 1:
        (only,) = wanted
        return lambda row: bool(values[row] == only)
    return lambda row: values[row] in wanted


def _has(values: Array, starts: Array, wanted: frozenset[int]) -> Predicate:
    # In the last row, -1, the slice ends before it begins.
    if len(wanted) == 1:
        (only,) = wanted
        return lambda row: only in values[starts[row] : starts[row + 1]]
    return lambda row: not wanted.isdisjoint(values[starts[row] : starts[row + 1]])


def _between(sign: str, values: Array, none: int, limit: Value) -> Predicate:
    """`none` is below all values; where the values are floats, none is NaN, which meets no comparison."""
    if values.typecode == "d":
        return {
            "<": lambda row: values[row] < limit,
            "<=": lambda row: values[row] <= limit,
            ">": lambda row: values[row] > limit,
            ">=": lambda row: values[row] >= limit,
        }[sign]
    return {
        "<": lambda row: none < values[row] < limit,
        "<=": lambda row: none < values[row] <= limit,
        ">": lambda row: none != values[row] > limit,
        ">=": lambda row: none != values[row] >= limit,
    }[sign]
