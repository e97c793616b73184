"""Reads CSV and Parquet files in batches, with errors that name file, column and row."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from contract.errors import DataError
from contract.settings import SourceSettings

PARQUET = (".parquet", ".pq")
BATCH_ROWS = 1 << 20
_SHOWN = 3  # broken rows in a message
_NUMBERS = ("weight", "time")
COLUMN_SETTINGS = ("user_column", "item_column", "weight_column", "time_column", "title_column")


def batches(path: Path, source: SourceSettings, wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Frames of up to BATCH_ROWS rows whose columns are the keys of `wanted`; its values are the columns of the file.

    The roles weight and time hold numbers, in a CSV all others text. Raises DataError.
    """
    columns = _columns(path, source, wanted)
    chosen = [pl.col(column).alias(role) for role, column in columns.items()]
    dtypes: dict[str, pl.DataType] = {column: pl.Float64() if role in _NUMBERS else pl.String() for role, column in columns.items()}
    try:
        yield from _scan(path, source, dtypes).select(chosen).collect_batches(chunk_size=BATCH_ROWS)
    except PolarsError as error:
        numbers = {columns[role]: wanted[role] for role in _NUMBERS if role in wanted}
        raise DataError(_broken_rows(path, source, numbers) or f"{path} can't be read: {_first_line(error)}") from None


def _scan(path: Path, source: SourceSettings, dtypes: Mapping[str, pl.DataType] | None) -> pl.LazyFrame:
    if path.suffix in PARQUET:
        return pl.scan_parquet(path)
    reading: dict[str, Any] = {"schema_overrides": dtypes} if dtypes else {"infer_schema": False}
    return pl.scan_csv(path, separator=source.separator, has_header=source.header, null_values=[""], **reading)


def _columns(path: Path, source: SourceSettings, wanted: Mapping[str, str]) -> dict[str, str]:
    """The file's own column for every role: by name, or by position in a file without a header."""
    if not path.is_file():
        raise DataError(f"there is no file {path}; give the path of a CSV or Parquet file, or a built-in set such as movielens-small")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    try:
        schema = _scan(path, source, None).collect_schema()
    except PolarsError as error:
        raise DataError(f"{path} can't be read: {_first_line(error)}") from None
    found = schema.names()
    if path.suffix not in PARQUET and not source.header:
        if len(found) < len(wanted):
            raise DataError(f"{path} has {len(found)} columns at separator {source.separator!r}; expected {', '.join(wanted)}")
        return dict(zip(wanted, found, strict=False))
    for role, name in wanted.items():
        if name not in found:
            option = next(field for field in COLUMN_SETTINGS if getattr(source, field) == name).replace("_", "-")
            near = difflib.get_close_matches(name, found, n=1, cutoff=0.0)
            raise DataError(
                f"{path} has no column {name!r}; it has {', '.join(found[:20])}. "
                f"Perhaps {near[0]!r}? Name it with --{option}, or set --separator (now {source.separator!r})"
            )
        if path.suffix in PARQUET and (needed := _unmet(role, schema[name])):
            raise DataError(f"{path}: column {name!r} holds {schema[name]} where {needed} are needed")
    return dict(wanted)


def _unmet(role: str, dtype: pl.DataType) -> str:
    """What a column of that role must hold, if it is not what `dtype` holds; else ""."""
    if role == "weight":
        return "" if dtype.is_numeric() else "numbers"
    if role == "time":
        return "" if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime) else "numbers or dates"
    if role in ("user", "item"):  # a float is no id: 54.0 would be another user than 54
        whole = dtype.is_integer() or (isinstance(dtype, pl.Decimal) and dtype.scale == 0)
        return "" if whole or dtype in (pl.String, pl.Categorical, pl.Enum) else "integers or texts"
    return "texts" if dtype.is_nested() or dtype == pl.Binary else ""


def _broken_rows(path: Path, source: SourceSettings, numbers: Mapping[str, str]) -> str:
    """What is wrong with the first rows whose number columns hold no number; "" if that is not the trouble."""
    if path.suffix in PARQUET:
        return ""
    try:
        text = _scan(path, source, None).select(list(numbers)).with_row_index("row").collect()
    except PolarsError:
        return ""
    first = 2 if source.header else 1
    for column, name in numbers.items():
        bad = text.filter(pl.col(column).is_not_null() & pl.col(column).cast(pl.Float64, strict=False).is_null())
        if not bad.is_empty():
            shown = "; ".join(f"row {row + first}: {value!r}" for row, value in bad.select("row", column).head(_SHOWN).iter_rows())
            return f"{path}: column {name!r} holds {bad.height:,} values that are no numbers ({shown}); correct or remove these rows"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
