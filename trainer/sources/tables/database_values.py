"""Values of a database's driver as columns: mixed types, decimals that are no numbers, dates that Python does not have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from polars.exceptions import PolarsError


class Beyond:
    """A date that Python does not have: `infinity`, the year 10000, or before the year 1. Counted when times are read."""

    def __init__(self, second: float) -> None:
        self.second = second


BEFORE = Beyond(datetime(1, 1, 1, tzinfo=UTC).timestamp() - 366 * 86_400)
AFTER = Beyond(datetime(9999, 12, 31, tzinfo=UTC).timestamp() + 366 * 86_400)


def series(name: str, values: list[Any]) -> pl.Series:
    """A column. What has mixed types becomes text, and so does what polars has no type for, a UUID say."""
    kinds = set(map(type, values))
    if Beyond in kinds:
        return _with_beyond(series(name, [None if type(value) is Beyond else value for value in values]), values)
    if Decimal in kinds:  # polars panics at those that are no numbers
        values = [None if type(value) is Decimal and not value.is_finite() else value for value in values]
    try:
        made = pl.Series(name, values, strict=True)
    except (PolarsError, TypeError, OverflowError, ValueError):
        made = None
    if made is not None and made.dtype != pl.Object:
        return made
    return pl.Series(name, [None if value is None else _text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str:
    """A value among others of another type, as text. Bytes are the text that they are in UTF-8, as SQLite and MySQL compare them."""
    return bytes(value).decode("utf-8", "backslashreplace") if isinstance(value, bytes | bytearray | memoryview) else str(value)


def _with_beyond(known: pl.Series, values: Sequence[Any]) -> pl.Series:
    """`known`, with times outside the years 1 to 9999 where `values` have them: polars can hold such."""
    if known.dtype == pl.Null:
        known = known.cast(pl.Datetime("us"))
    a_second = 1_000_000 if isinstance(known.dtype, pl.Datetime) else 1 / 86_400
    whole = [
        int(value.second * a_second) if isinstance(value, Beyond) else number
        for number, value in zip(known.to_physical(), values, strict=True)
    ]
    return pl.Series(known.name, whole, dtype=pl.Int32 if known.dtype == pl.Date else pl.Int64).cast(known.dtype)
