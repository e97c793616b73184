"""What every batch of interactions must be once it is converted, as a schema of pandera: the last look before anything is learned."""

from __future__ import annotations

import os

import polars as pl

os.environ.setdefault("DISABLE_PANDERA_IMPORT_WARNING", "True")
import pandera.polars as pa

from contract.errors import DataError
from trainer.interactions.limits import MAX_WEIGHT, TIMES

_IDS = pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).is_not_null()), error="an id is missing")
INTERACTIONS = pa.DataFrameSchema(
    {
        "user": pa.Column(checks=_IDS),
        "item": pa.Column(checks=_IDS),
        "weight": pa.Column(pl.Float32, pa.Check.in_range(-MAX_WEIGHT, MAX_WEIGHT), coerce=True),
        "time": pa.Column(pl.Int64, pa.Check.in_range(*TIMES), required=False, coerce=True),
        "event": pa.Column(pl.String, required=False),
    },
    strict=True,
)


def validate(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The frame, if it is what the schema says. Raises DataError that names column and rule."""
    try:
        return INTERACTIONS.validate(frame)
    except (pa.errors.SchemaError, pa.errors.SchemaErrors) as error:
        raise DataError(f"{where}: {str(error).partition(chr(10))[0]}") from None
