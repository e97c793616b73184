"""What is known of items: titles, categories, whether they are available, and whatever else came with them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import polars as pl

from contract.errors import DataError
from contract.formats.manifest import IdType
from trainer.interactions.external_ids import MAX_ID_BYTES
from trainer.items.item_ids import LONG_ID, NO_ID, texts
from trainer.rows.doubled import Doubled, doubled

CATEGORY_COLUMNS = ("categories", "category", "genres", "genre")
AVAILABLE = "available"
YES, NO = ("true", "1", "yes"), ("false", "0", "no")
BETWEEN_CATEGORIES = "|"
NONE: Mapping[str, int] = MappingProxyType({})
_STEP = 1 << 15  # rows that are Python objects at a time
_SHOWN = 3  # bad rows in a message


@dataclass(frozen=True, slots=True)
class Items:
    """`frame`, one row an item: item (text), available (bool), categories (list of texts), and other columns as they came.

    `dropped`: rows that name no item, or can't be read, by reason. `supplied`: columns of the frame that the source does not have.
    `doubled`: what to tell of items that stand on more than one row.
    """

    source: str
    frame: pl.DataFrame
    dropped: Mapping[str, int] = field(default_factory=dict)
    supplied: frozenset[str] = frozenset()
    doubled: Doubled = field(default_factory=Doubled)

    @property
    def left_out(self) -> str:
        """How many rows are left out, and why; "" where none is."""
        reasons = ", ".join(f"{n:,} with {reason}" for reason, n in self.dropped.items())
        return f"{sum(self.dropped.values()):,} rows of items were left out: {reasons}" if reasons else ""

    @property
    def n_items(self) -> int:
        return self.frame.height

    def rows(self) -> Iterator[tuple[str, str]]:
        """Id and metadata, a JSON object without what is empty, of each item. Raises DataError for what JSON can't spell."""
        for part in self.frame.drop(AVAILABLE).iter_slices(_STEP):
            for row in part.to_dicts():
                item_id = row.pop("item")
                try:
                    yield item_id, json.dumps(_known(row), ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
                except ValueError:
                    raise DataError(f"{self.source}: the metadata of item {item_id} hold a number that is none, inside a list") from None

    def unavailable(self) -> list[str]:
        found: list[str] = self.frame.filter(~pl.col(AVAILABLE))["item"].to_list()
        return found

    def in_categories(self, names: frozenset[str]) -> list[str]:
        """Items that have one of these categories."""
        found: list[str] = self.frame.filter(pl.col("categories").list.eval(pl.element().is_in(list(names))).list.any())["item"].to_list()
        return found

    def category_names(self) -> frozenset[str]:
        return frozenset(self.frame["categories"].explode().drop_nulls().unique().to_list())

    def categories(self) -> dict[str, list[str]]:
        """Categories by item, of those that have some."""
        some = self.frame.filter(pl.col("categories").list.len() > 0)
        return dict(zip(some["item"].to_list(), some["categories"].to_list(), strict=True))


NOTHING = Items("nothing", pl.DataFrame(schema={"item": pl.String, AVAILABLE: pl.Boolean, "categories": pl.List(pl.String)}))


def cleaned(
    frame: pl.DataFrame,
    source: str,
    lines: Sequence[int] | None = None,
    broken: Mapping[str, int] = NONE,
    missing: Sequence[str] = (),
    id_type: IdType | None = None,
) -> Items:
    """Items of a frame with the column item. Of an item that stands twice, the last row counts. Raises DataError.

    `lines`: where each row stands in the source, for people; None: rows are counted from 1. `broken`: rows that are not in the frame.
    `missing`, `id_type`: as in `item_ids.texts`.
    """
    names = _roles(frame, source)
    frame = frame.with_columns(
        texts(frame["item"], missing, id_type), _available(frame, names, source, lines), _categories(frame, names, source)
    )
    frame = frame.drop([name for name in names.values() if name not in (AVAILABLE, "categories")])
    binary = [name for name, dtype in frame.schema.items() if dtype in (pl.Binary, pl.Object)]
    if binary:
        raise DataError(f"{source}: column {binary[0]!r} holds {frame.schema[binary[0]]}, which metadata can't; leave it out")
    if "title" in frame.columns:
        frame = frame.with_columns(pl.col("title").cast(pl.String))
    dropped = {**broken, NO_ID: frame["item"].null_count(), LONG_ID: int((frame["item"].str.len_bytes() > MAX_ID_BYTES).sum())}
    good = (frame["item"].str.len_bytes() <= MAX_ID_BYTES).fill_null(value=False)
    kept = frame.filter(good)
    once = kept.unique("item", keep="last", maintain_order=True)
    told = Doubled()
    if once.height < kept.height:
        places = pl.Series(lines or range(1, frame.height + 1), dtype=pl.Int64).filter(good)
        told = doubled(kept, "item", places, "line" if lines else "row", named=True)
    supplied = frozenset({AVAILABLE, "categories"} - names.keys())
    return Items(source, once, {reason: n for reason, n in dropped.items() if n}, supplied, told)


def _roles(frame: pl.DataFrame, source: str) -> Mapping[str, str]:
    """The frame's own names of the columns that have a meaning here."""
    folded = {name.strip().lower(): name for name in frame.columns}
    names = {AVAILABLE: folded[AVAILABLE]} if AVAILABLE in folded else {}
    if own := next((folded[name] for name in CATEGORY_COLUMNS if name in folded), ""):
        names["categories"] = own
    if "item" not in frame.columns:
        raise DataError(f"{source} has no column of item ids")
    return names


def _available(frame: pl.DataFrame, names: Mapping[str, str], source: str, lines: Sequence[int] | None) -> pl.Expr | pl.Series:
    """Whether an item is available: one without a word on it is."""
    if AVAILABLE not in names:
        return pl.lit(value=True).alias(AVAILABLE)
    column = frame[names[AVAILABLE]]
    if column.dtype == pl.Boolean:
        return column.fill_null(value=True).alias(AVAILABLE)
    if column.dtype.is_float() and not (column.drop_nulls() % 1 != 0).any():
        column = column.cast(pl.Int64, strict=False)
    if column.dtype.is_nested():
        raise DataError(f"{source}: column {names[AVAILABLE]!r} holds {column.dtype} where true or false are needed")
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    yes = text.is_null() | (text == "") | text.is_in(YES)
    bad = (~(yes | text.is_in(NO))).fill_null(value=False).arg_true().to_list()
    if bad:
        places = [f"line {lines[row]}" if lines else f"row {row + 1}" for row in bad[:_SHOWN]]
        shown = "; ".join(f"{place}: {frame[names[AVAILABLE]][row]!r}" for place, row in zip(places, bad, strict=False))
        raise DataError(
            f"{source}: column {names[AVAILABLE]!r} holds {len(bad):,} value(s) that are neither {', '.join(YES)} nor "
            f"{', '.join(NO)} ({shown})"
        )
    return yes.fill_null(value=True).alias(AVAILABLE)


def _categories(frame: pl.DataFrame, names: Mapping[str, str], source: str) -> pl.Expr | pl.Series:
    """Categories without empty and repeated ones."""
    if "categories" not in names:
        return pl.lit([], dtype=pl.List(pl.String)).alias("categories")
    column = frame[names["categories"]]
    if not isinstance(column.dtype, pl.List):
        if column.dtype.is_nested():
            raise DataError(f"{source}: column {names['categories']!r} holds {column.dtype} where texts or lists of texts are needed")
        column = column.cast(pl.String).str.split(BETWEEN_CATEGORIES)
    elif column.dtype.inner.is_nested():
        raise DataError(f"{source}: column {names['categories']!r} holds {column.dtype} where lists of texts are needed")
    texts = column.cast(pl.List(pl.String)).list.eval(pl.element().str.strip_chars())
    texts = texts.list.eval(pl.element().filter(pl.element().is_not_null() & (pl.element() != "")))
    return texts.list.unique(maintain_order=True).fill_null([]).alias("categories")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: None, NaN, no categories."""
    return {
        name: value
        for name, value in row.items()
        if not (value is None or value == [] or (isinstance(value, float) and not math.isfinite(value)))
    }
