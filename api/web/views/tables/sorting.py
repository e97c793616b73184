"""A table sorted by one of its columns. The address names the column, and a minus in front of it turns the order round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from api.web.views.formats import NOTHING
from api.web.views.tables.csv_text import Cell

Row = TypeVar("Row")
Order = Literal["ascending", "descending", "none"]


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`of` is None for a row that has no value here: it comes last in both orders. Numbers begin with the greatest, texts with A.
    `show`: a value for people."""

    name: str
    title: str
    of: Callable[[Row], Cell]
    is_number: bool = False
    show: Callable[[Any], str] = str
    is_wide: bool = False

    def text(self, row: Row) -> str:
        value = self.of(row)
        return NOTHING if value is None else self.show(value)


@dataclass(frozen=True, slots=True)
class Heading:
    """`turn`: what the address says to sort by this column, or the other way round if it is sorted by it already."""

    title: str
    is_number: bool
    order: Order
    turn: str


def ordered(rows: Sequence[Row], columns: Sequence[Column[Row]], asked: str) -> list[Row]:
    """Rows that are equal keep their order, and so do all rows where `asked` names no column. Numbers come before texts."""
    is_down, name = asked.startswith("-"), asked.removeprefix("-")
    chosen = next((column for column in columns if column.name == name), None)
    if chosen is None:
        return list(rows)
    known = [(value, row) for row in rows if (value := chosen.of(row)) is not None]
    known.sort(key=lambda pair: (isinstance(pair[0], str), pair[0]), reverse=is_down)
    return [*(row for _, row in known), *(row for row in rows if chosen.of(row) is None)]


def headings(columns: Sequence[Column[Any]], asked: str) -> list[Heading]:
    is_down, name = asked.startswith("-"), asked.removeprefix("-")
    return [_heading(column, column.name == name, is_down) for column in columns]


def _heading(column: Column[Any], is_chosen: bool, is_down: bool) -> Heading:
    order: Order = "none" if not is_chosen else "descending" if is_down else "ascending"
    goes_down = not is_down if is_chosen else column.is_number
    return Heading(column.title, column.is_number, order, f"-{column.name}" if goes_down else column.name)
