"""Columns of texts in which few values come again and again: what has to be found out of a text is found out of each value once.

Such a column is an Enum of its values, in the order in which they came; one of many values stays String. Both hold the same texts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from trainer.rows.distinct_kernels import encode

ROWS_A_VALUE = 4  # on average, at the least: with fewer, nothing is won


def coded(texts: pl.Series) -> pl.Series:
    """A column of String as an Enum, if it has few values; any other as it is."""
    return coded_by(texts, texts.hash().to_numpy()) if texts.dtype == pl.String else texts


def coded_by(texts: pl.Series, hashes: npt.NDArray[np.uint64]) -> pl.Series:
    codes, rows = encode(hashes, texts.len() // ROWS_A_VALUE)
    values = texts.gather(rows)
    if not rows.size or not values.gather(codes).eq_missing(texts).all():  # the latter: two texts have one hash
        return texts
    if not values.null_count():
        return pl.Series(texts.name, codes).cat.to(pl.Enum(values))
    null = int(values.is_null().arg_max() or 0)
    numbers = pl.Series(texts.name, codes - (codes > null)).set(pl.Series(codes == null), None)
    return numbers.cat.to(pl.Enum(values.drop_nulls()))


def is_text(column: pl.Series) -> bool:
    return column.dtype in (pl.String, pl.Enum)


def categories(texts: pl.Series) -> pl.Series | None:
    """The values of an Enum, those whose rows are gone among them; None of another column. Asked once a look: polars makes them anew."""
    dtype = texts.dtype
    return dtype.categories if isinstance(dtype, pl.Enum) else None


def by_value(texts: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`change` of a column of texts, row by row, found out value by value: it sees one text at a time, and makes nulls of nulls."""
    every = categories(texts)
    return change(texts) if every is None else change(every).gather(texts.to_physical()).alias(texts.name)


def any_value(texts: pl.Series, test: Callable[[pl.Series], pl.Series]) -> bool:
    """Whether `test` is true of a text of the column."""
    every = categories(texts)
    if every is None:
        return bool(test(texts).any())
    found = test(every)
    return bool(found.any() and test(_used(texts, every)).any())


def distinct(texts: pl.Series) -> pl.Series:
    """The texts that occur, as String: once each where the column is an Enum."""
    every = categories(texts)
    return texts if every is None else _used(texts, every)


def _used(texts: pl.Series, every: pl.Series) -> pl.Series:
    used = np.bincount(texts.drop_nulls().to_physical().to_numpy(), minlength=every.len()) > 0
    return every if used.all() else every.filter(pl.Series(used))
