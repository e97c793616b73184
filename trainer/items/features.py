"""What metadata say of items as features: categories and words of titles, or the columns that a setting names."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

import numpy as np
import polars as pl

from contract.errors import DataError
from engine.arrays import Array
from engine.models.content import Features
from trainer.items.items import Items
from trainer.rows import column_names
from trainer.rows.problems import shortened

DEFAULT_COLUMNS = ("categories", "title")
_WORD = r"[\p{L}\p{N}]+"


def features_of(items: Items, ids: Sequence[str], columns: Sequence[str]) -> Features:
    """Features of the items with these ids, in their order; those that the table does not name have none.

    Of a text each word is a term, of a list each of its texts, of a number its value; a list of numbers is a vector, also one that is
    written as text, [0.1, 0.2]. Raises DataError for a column that is not there, or whose vectors differ in length.
    """
    places = pl.DataFrame({"item": pl.Series(ids, dtype=pl.String), "at": np.arange(len(ids), dtype=np.int64)})
    frame = places.join(items.frame, on="item", how="inner")
    terms: list[Array] = []
    at: list[Array] = []
    ends: list[int] = []
    vectors: list[Array] = []
    for name in _chosen(items, columns):
        column = _parsed(frame[name])
        if _is_vector(column.dtype):
            vectors.append(_vectors(column, frame["at"].to_numpy(), len(ids), f"{items.source}: column {name!r}"))
            continue
        pairs = pl.DataFrame({"at": frame["at"], "term": _terms(column)}).explode("term").drop_nulls().unique()
        names = pairs["term"].unique().sort()
        first = ends[-1] if ends else 0
        terms.append(names.search_sorted(pairs["term"]).to_numpy().astype(np.int64) + first)
        at.append(pairs["at"].to_numpy())
        ends.append(first + names.len())
    none = np.empty(0, np.int64)
    pairs_of = (np.concatenate([none, *terms]), np.concatenate([none, *at]))
    return Features.of(len(ids), *pairs_of, np.array(ends, np.int64), np.hstack(vectors) if vectors else None)


def _chosen(items: Items, columns: Sequence[str]) -> list[str]:
    names = [name for name in items.frame.columns if name not in ("item", "available")]
    if not columns:
        return [name for name in DEFAULT_COLUMNS if name in names]
    for name in columns:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
            perhaps = f" Perhaps {column_names.name(near[0])}?" if near else ""
            raise DataError(
                f"{items.source} has no column {name!r}, which content_columns names; it has {column_names.names(names)}.{perhaps}"
            )
    return list(columns)


def _is_vector(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.List, pl.Array)) and dtype.inner.is_numeric()


def _parsed(column: pl.Series) -> pl.Series:
    """A column of texts that are all lists of numbers as such lists."""
    if column.dtype != pl.String:
        return column
    some = column.drop_nulls().str.strip_chars()
    if some.is_empty() or not (some.str.starts_with("[") & some.str.ends_with("]")).all():
        return column
    try:
        lists = [None if text is None else [float(value) for value in json.loads(text)] for text in column.to_list()]
    except (ValueError, TypeError):
        return column
    return pl.Series(column.name, lists, dtype=pl.List(pl.Float64))


def _terms(column: pl.Series) -> pl.Series:
    """Lists of texts."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    if column.dtype == pl.String or column.dtype == pl.Categorical:
        return column.cast(pl.String).str.to_lowercase().str.extract_all(_WORD)
    return column.cast(pl.String).reshape((-1, 1)).cast(pl.List(pl.String))


def _vectors(column: pl.Series, at: Array, n_items: int, what: str) -> Array:
    known = column.is_not_null().to_numpy()
    lengths = column.drop_nulls().list.len() if isinstance(column.dtype, pl.List) else pl.Series([column.dtype.shape[0]])  # type: ignore[attr-defined]
    if lengths.n_unique() > 1:
        wrong = column.to_list()[int(np.flatnonzero(known)[int((lengths != lengths[0]).arg_max() or 0)])]
        raise DataError(
            f"{what} holds vectors of {lengths[0]} and of {len(wrong)} numbers, such as {shortened(str(wrong))!r}: one length is needed"
        )
    out = np.zeros((n_items, int(lengths[0]) if lengths.len() else 0))
    if known.any():
        out[at[known]] = np.nan_to_num(np.array(column.drop_nulls().to_list(), np.float64), posinf=0.0, neginf=0.0)
    return out
