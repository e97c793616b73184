"""Baskets: a row holds a user and a list of items: a column of lists, of JSON, or of texts with separators; or all fields of a line."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Table
from trainer.rows.column_names import name as shown
from trainer.sources.shapes.reshaped import LINE, Reshaped
from trainer.sources.tables.columns import AUTO, KNOWN_NAMES, Columns, plain_name, resolve_columns
from trainer.sources.tables.typed import LIST

ROW = "row"
"""In place of a column of users: each row is a user of its own, called by its line."""
ROWS_AT_ONCE = 100_000
_LISTS = (
    "items",
    "itemids",
    "itemlist",
    "basket",
    "products",
    "productids",
    "articles",
    "articleids",
    "skus",
    "movies",
    "movieids",
    "tracks",
)
_MORE_LISTS = ("trackids", "books", "bookids", "songs", "history", "sequence", "purchases", "clicks", "views", "interactions")
_SEPARATORS = ("|", ";", ",", "\t")
_CODE = re.compile(r"\d+")


class Baskets(Reshaped):
    def __init__(self, table: Table, source: SourceSettings) -> None:
        names = list(table.names)
        lists = [name for name in names if plain_name(name) in (*_LISTS, *_MORE_LISTS)]
        known = [name for name in names if plain_name(name) in KNOWN_NAMES["item"]]
        found = (lists or known) if source.item_column == AUTO else [source.item_column]
        if len(found) != 1 or found[0] not in names:
            have = ", ".join(map(shown, names[:20]))
            raise DataError(f"{table.where}: name the column of lists with --item-column; it has {have}")
        self._by_row = source.user_column == ROW and ROW not in names
        given: dict[str, Any] = {"item_column": found[0]}
        if self._by_row:
            others = [name for name in names if name != found[0]]
            chosen = resolve_columns([ROW, *others, found[0]], source.model_copy(update=given), table.where)
        else:
            chosen = resolve_columns(names, source.model_copy(update=given), table.where)
        wanted = {LIST if role == "item" else role: column for role, column in chosen.of.items() if not (self._by_row and role == "user")}
        super().__init__(table, Columns(chosen.of, chosen.notes), wanted, ROWS_AT_ONCE)
        self._separator = self._how(table.sample(found[0]), found[0], source)

    def _how(self, sample: pl.Series, column: str, source: SourceSettings) -> str:
        """What separates the items of a text; "" for lists, "[" for those of JSON. Raises DataError where it is not certain."""
        if isinstance(sample.dtype, pl.List | pl.Array):
            return ""
        texts = sample.cast(pl.String).str.strip_chars()
        texts = texts.filter(texts != "")
        if texts.len() and texts.str.starts_with("[").all():
            return "["
        if source.item_separator != AUTO:
            return source.item_separator
        seen = [one for one in _SEPARATORS if texts.str.contains(one, literal=True).any()]
        spaced = not seen and texts.str.contains(" ", literal=True).any()
        if len(seen) > 1 or (spaced and not all(map(_CODE.fullmatch, texts.str.split(" ").explode().drop_nulls().to_list()))):
            raise DataError(
                f"{self.where}: what separates the items in column {shown(column)} is not certain; say --item-separator, as in ' ' or ,"
            )
        separator = seen[0] if seen else " "
        self.notes = (*self.notes, f"the items of a basket are separated by {separator!r}")
        return separator

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._by_row:
            rows = rows.with_columns(pl.col(LINE).alias("user"))
        rows = rows.rename({LIST: "item"})
        if self._separator == "[":
            rows = rows.with_columns(pl.Series("item", [_parsed(text) for text in rows["item"]], dtype=pl.List(pl.String)))
        elif self._separator:
            rows = rows.with_columns(pl.col("item").cast(pl.String).str.split(self._separator))
        # Of a basket without items one row without an item is left, which is counted as such; a separator at the end makes no item.
        pieces = pl.col("item").list.eval(pl.element().filter(pl.element().cast(pl.String).str.strip_chars() != ""))
        return rows.with_columns(pl.when(pieces.list.len() > 0).then(pieces).alias("item")).explode("item")


def _parsed(text: str | None) -> list[str] | None:
    """The items of a list of JSON, or of Python; None for what is none."""
    if text is None or not text.strip():
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and all(isinstance(one, str | int) and not isinstance(one, bool) for one in found):
            return [str(one) for one in found]
    return None
