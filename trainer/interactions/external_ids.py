"""External ids as they come in columns: what type they are, and each row's position among the distinct ones."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from contract.errors import DataError
from contract.formats.keys import Id
from engine.arrays import Array
from trainer.interactions.indexing import joined, number

MAX_ID_BYTES = 512


def typed(ids: pl.Series) -> pl.Series:
    """`ids` as Int64 if every one is an integer in canonical form, `-?(0|[1-9][0-9]*)`; else as String. Nulls stay."""
    if ids.dtype == pl.Int64:
        return ids
    if ids.dtype.is_integer():
        whole = ids.cast(pl.Int64, strict=False)
        return ids.cast(pl.String) if whole.null_count() > ids.null_count() else whole  # unsigned ones may be too large
    text = ids.cast(pl.String)
    numbers = text.cast(pl.Int64, strict=False)
    if numbers.null_count() > text.null_count():
        return text
    padded = (text.str.starts_with("0") & (numbers != 0)) | text.str.starts_with("-0") | text.str.starts_with("+")
    return text if (padded | ((numbers == 0) & (text.str.len_bytes() > 1))).any() else numbers


def index(parts: list[pl.Series], source: str) -> tuple[Sequence[Id], Array]:
    """Distinct ids, rising (strings by code point), and the position of each row's id, int32. Empties `parts`, to free them."""
    if all(part.dtype == pl.Int64 for part in parts):
        values = joined([parts.pop(0).to_numpy() for _ in range(len(parts))])
        return number(values)
    column = pl.concat([part.cast(pl.String) for part in parts])
    parts.clear()
    texts = column.unique().sort()
    too_long = texts.filter(texts.str.len_bytes() > MAX_ID_BYTES).to_list()
    if too_long:
        shown, size = too_long[0][:40], len(too_long[0].encode())
        raise DataError(f"{source}: the {column.name} id {shown!r}... has {size} bytes; ids may have up to {MAX_ID_BYTES}")
    return texts.to_list(), column.cast(pl.Enum(texts)).to_physical().cast(pl.Int32).to_numpy()
