"""Ids in a table of items, spelled as the generation spells them, so that they can be found in it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from contract.formats.manifest import IdType
from trainer.interactions.external_ids import MAX_ID_BYTES
from trainer.interactions.id_types import SPACES, as_integers

NO_ID = "no id"
LONG_ID = f"an id longer than {MAX_ID_BYTES} bytes"


def texts(ids: pl.Series, missing: Sequence[str], id_type: IdType | None) -> pl.Series:
    """Texts without spaces around them; null for none, and for what `missing` names.

    Where ids are integers, whole floats are those integers: 318.0, as pandas writes a column with a hole. `id_type`: that of the
    generation; None where there is none, then all must be whole to be integers.
    """
    if ids.dtype.is_float():
        ids = ids.fill_nan(None)
        if id_type != "str" and (ids.drop_nulls() % 1 == 0).all():
            ids = ids.cast(pl.Int64, strict=False)
    text = ids.cast(pl.String).str.strip_chars(SPACES)
    text = text.set(text.is_in(["", *missing]), None)
    if id_type == "str":
        return text
    whole = as_integers(text)
    if id_type is None and whole.null_count() > text.null_count():
        return text
    return whole.cast(pl.String).zip_with(whole.is_not_null(), text).alias(ids.name)
