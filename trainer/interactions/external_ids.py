"""External ids as they come in columns: what type they are, and each row's position among the distinct ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.formats.keys import Id
from engine.arrays import Array
from trainer.interactions.indexing import concatenated, factorize
from trainer.kept.packed import Coded
from trainer.rows.distinct import by_value, categories, distinct, is_text

MAX_ID_BYTES = 512
Ids = pl.Series | Coded
_LOOKED_AT = 64  # rows of a column of texts, before all of them are


def infer_id_type(ids: pl.Series) -> pl.Series:
    """`ids` as Int64 if every one is an integer in canonical form, `-?(0|[1-9][0-9]*)`; else as String, or the Enum it is. Nulls stay."""
    if ids.dtype == pl.Int64:
        return ids
    if (every := categories(ids)) is not None:
        whole = _whole(every) or (_whole(distinct(ids.head(_LOOKED_AT))) and _whole(distinct(ids)))
        return by_value(ids, lambda texts: texts.cast(pl.Int64, strict=False)) if whole else ids
    if ids.dtype.is_integer():
        signed = ids.cast(pl.Int64, strict=False)
        return ids.cast(pl.String) if signed.null_count() > ids.null_count() else signed  # unsigned ones may be too large
    text = ids.cast(pl.String)
    numbers = text.cast(pl.Int64, strict=False)
    if numbers.null_count() > text.null_count():
        return text
    padded = (text.str.starts_with("0") & (numbers != 0)) | text.str.starts_with("-0") | text.str.starts_with("+")
    return text if (padded | ((numbers == 0) & (text.str.len_bytes() > 1))).any() else numbers


def are_integers(ids: Ids) -> bool:
    return isinstance(ids, Coded) or ids.dtype == pl.Int64


def as_series(ids: Ids) -> pl.Series:
    return pl.Series(ids.whole()) if isinstance(ids, Coded) else ids


def _taken(parts: list[Ids] | list[pl.Series]) -> Iterator[Ids]:
    while parts:
        yield parts.pop(0)


def _whole(texts: pl.Series) -> bool:
    return infer_id_type(texts).dtype == pl.Int64


def index(found: list[Ids] | list[pl.Series], source: str) -> tuple[Sequence[Id], Array]:
    """Distinct ids, rising (strings by code point), and the position of each row's id, int32. Empties `found`, to free them."""
    if all(are_integers(part) for part in found):
        return factorize([part if isinstance(part, Coded) else part.to_numpy() for part in _taken(found)])
    parts = [part if is_text(part) else part.cast(pl.String) for part in map(as_series, _taken(found))]
    name = parts[0].name
    every = [part if (values := categories(part)) is None else values for part in parts]
    texts = pl.concat([distinct(part) for part in parts]).unique().sort()
    too_long = texts.filter(texts.str.len_bytes() > MAX_ID_BYTES).to_list()
    if too_long:
        shown, size = too_long[0][:40], len(too_long[0].encode())
        raise DataError(f"{source}: the {name} id {shown!r}... has {size} bytes; ids may have up to {MAX_ID_BYTES}")
    codes = pl.concat(every).cast(pl.Enum(texts), strict=False)  # once: its table of texts is made anew each time
    places = np.split(codes.to_physical().fill_null(0).cast(pl.Int32).to_numpy(), np.cumsum([len(some) for some in every])[:-1])
    del every, codes
    for at, part in enumerate(parts):
        if isinstance(part.dtype, pl.Enum):
            places[at] = places[at][part.to_physical().to_numpy()]
    parts.clear()
    return texts.to_list(), concatenated(places, np.int32)
