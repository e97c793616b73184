"""Columns of items by which the API filters answers, from the items' frame to bytes (contract/formats/columns.py)."""

from __future__ import annotations

import difflib
import logging
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from contract.errors import DataError
from contract.formats.columns import Column, Kind, Rows, Words, encode_column, encode_rows, hash_of, least
from contract.formats.ids import stored_id
from contract.formats.packed import Array
from trainer.items.items import Items
from trainer.rows import column_names
from trainer.rows.problems import shortened

NUMBER = r"^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?$"
"""Of a text that can be nothing else: 007 and 1e5 may be codes."""
_WHOLE = 2**63 - 1
_SHOWN = 3

log = logging.getLogger("larder.trainer")


def filter_columns(items: Items, wanted: Mapping[str, Kind | None], missing: Sequence[str]) -> tuple[bytes, dict[str, bytes]]:
    """Rows and columns as bytes. `wanted`: the columns, and what they hold, None to be found out. `missing`: texts that mean no value.

    Raises DataError for a column that the items don't have, and for one that does not hold what it should.
    """
    ids: list[str] = items.frame["item"].to_list()
    rows, order = _rows(ids, items.source)
    frame = items.frame[order]
    found: dict[str, Column] = {}
    for name, kind in wanted.items():
        if name not in frame.columns or name == "item":
            raise DataError(_no_column(items, name))
        found[name] = _Reader(items.source, name, frame, missing).column(kind)
    if found:
        held = ", ".join(f"{name} ({column.kind})" for name, column in found.items())
        n_bytes = sum(column.n_bytes for column in found.values()) + 8 * len(ids)
        log.info("answers can be filtered by %s: %.1f MiB in each process of the API", held, n_bytes / 2**20)
    return encode_rows(rows), {name: encode_column(column) for name, column in found.items()}


def _no_column(items: Items, name: str) -> str:
    own = [column for column in items.frame.columns if column != "item" and column not in items.supplied]
    near = difflib.get_close_matches(name, own, n=1, cutoff=0)
    perhaps = f"Perhaps {column_names.name(near[0])}? " if near else ""
    has = column_names.names(own) if own else "ids of items alone"
    return f"{items.source} has no column {column_names.name(name)} to filter by; it has {has}. {perhaps}Correct LARDER_FILTER_COLUMNS"


def _rows(ids: Sequence[str], source: str) -> tuple[Rows, list[int]]:
    """Keys of items, rising, and the position of each one's item in `ids`."""
    numbers = [stored_id(text, "int") for text in ids]
    are_numbers = all(number is not None for number in numbers)
    keys: list[Any] = numbers if are_numbers else [hash_of(text) for text in ids]
    order = sorted(range(len(ids)), key=keys.__getitem__)
    rising = array("q" if are_numbers else "Q", (keys[at] for at in order))
    for at in range(1, len(rising)):
        if rising[at] == rising[at - 1]:
            raise DataError(
                f"{source}: the ids {shortened(ids[order[at - 1]])!r} and {shortened(ids[order[at]])!r} have one hash of 64 bits, by which "
                "the API finds them: rename one of them, or leave LARDER_FILTER_COLUMNS empty"
            )
    return Rows(rising), order


class _Reader:
    def __init__(self, source: str, name: str, frame: pl.DataFrame, missing: Sequence[str]) -> None:
        self._what = f"{source}: column {column_names.name(name)}"
        self._column = frame[name]
        self._ids = frame["item"]
        if self._column.dtype in (pl.Categorical, pl.Enum):
            self._column = self._column.cast(pl.String)
        if self._column.dtype == pl.String:
            empty = self._column.is_in(["", *missing])
            self._column = frame.select(pl.when(~empty).then(self._column))[name].alias(name)

    def column(self, kind: Kind | None) -> Column:
        kind = kind or self._kind()
        return {"number": self._numbers, "flag": self._flags, "text": self._texts, "texts": self._several}[kind]()

    def _kind(self) -> Kind:
        dtype = self._column.dtype
        if dtype == pl.Boolean:
            return "flag"
        if isinstance(dtype, pl.List):
            return "texts"
        if dtype.is_numeric():
            return "number"
        known = self._column.drop_nulls()
        return "number" if dtype == pl.String and known.len() and known.str.contains(NUMBER).all() else "text"

    def _numbers(self) -> Column:
        column = self._column
        if column.dtype == pl.Boolean or column.dtype.is_nested() or column.dtype.is_temporal():
            raise DataError(f"{self._what} holds {column.dtype} where numbers are needed")
        if column.dtype == pl.String:
            numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
            self._refuse(numbers.is_null() & column.is_not_null(), "a number")
            whole = column.str.strip_chars().cast(pl.Int64, strict=False)
            column = whole if whole.null_count() == numbers.null_count() else numbers
        if column.dtype.is_integer() and (column.is_empty() or (column.max() or 0) <= _WHOLE):  # type: ignore[operator]
            values: list[int | None] = column.to_list()
            return Column("number", _integers(values))
        floats = column.cast(pl.Float64).fill_nan(None)
        return Column("number", array("d", [*(float("nan") if value is None else value for value in floats.to_list()), float("nan")]))

    def _flags(self) -> Column:
        column = self._column
        if column.dtype == pl.String:
            folded = column.str.strip_chars().str.to_lowercase()
            flags = pl.Series(column.name, [{"true": True, "false": False}.get(text) for text in folded.to_list()], pl.Boolean)
            self._refuse(flags.is_null() & column.is_not_null(), "true or false")
            column = flags
        if column.dtype != pl.Boolean:
            raise DataError(f"{self._what} holds {column.dtype} where true or false are needed")
        return Column("flag", array("b", [*(0 if value is None else 1 + value for value in column.to_list()), 0]))

    def _texts(self) -> Column:
        if self._column.dtype.is_nested():
            raise DataError(f"{self._what} holds {self._column.dtype} where one text an item is needed")
        texts: list[str | None] = [None if value is None else str(value) for value in self._column.to_list()]  # as metadata spell it
        known = sorted({text for text in texts if text is not None})
        numbers = {text: number for number, text in enumerate(known, 1)}
        return Column(
            "text", array(_code(len(known)), [*(0 if text is None else numbers[text] for text in texts), 0]), None, Words.of(known)
        )

    def _several(self) -> Column:
        dtype = self._column.dtype
        if not isinstance(dtype, pl.List) or dtype.inner.is_nested():
            raise DataError(f"{self._what} holds {dtype} where lists of texts are needed")
        texts: list[list[Any]] = [value or [] for value in self._column.to_list()]
        known = sorted({str(text) for one in texts for text in one if text is not None})
        numbers = {text: number for number, text in enumerate(known, 1)}
        values, starts = array(_code(len(known))), array("I", [0])
        for one in [*texts, []]:
            values.extend(numbers[str(text)] for text in one if text is not None)
            starts.append(len(values))
        return Column("texts", values, starts, Words.of(known))

    def _refuse(self, bad: pl.Series, expected: str) -> None:
        at = bad.arg_true().to_list()
        if at:
            some = ", ".join(f"{shortened(str(self._column[row]))!r} of item {shortened(self._ids[row])!r}" for row in at[:_SHOWN])
            raise DataError(
                f"{self._what} holds {len(at):,} value(s) that are not {expected} ({some}): correct them, or LARDER_FILTER_COLUMNS"
            )


def _integers(values: Sequence[int | None]) -> Array:
    """In the narrowest type that holds them; its least number stands for none."""
    known = [value for value in values if value is not None] or [0]
    low, high = min(known), max(known)
    for code in "bhiq":
        none = least(code)
        if none < low and high <= -none - 1:
            return array(code, [*(none if value is None else value for value in values), none])
    return array("d", [*(float("nan") if value is None else float(value) for value in values), float("nan")])


def _code(n_words: int) -> str:
    return "H" if n_words < 1 << 16 else "I"
