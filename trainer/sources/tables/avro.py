"""Avro files, by polars' reader, which decodes a file whole: only the columns that are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from polars.exceptions import PanicException, PolarsError

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import BATCH_ROWS, Batch
from trainer.rows.problems import Problems
from trainer.sources.tables.locations import Location
from trainer.sources.tables.typed import SAMPLE_ROWS, check_types, first_line


class AvroTable:
    named = True

    def __init__(self, location: Location, source: SourceSettings) -> None:  # noqa: ARG002 (all readers of files are made alike)
        self.where = location.address
        self.notes: tuple[str, ...] = ()
        self._head = read_avro(self.where, n_rows=SAMPLE_ROWS)
        self.names = self._head.columns

    def sample(self, column: str) -> pl.Series:
        return self._head[column].drop_nulls()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        check_types(self._head.schema, columns, self.where)
        frame = read_avro(self.where, columns=list(dict.fromkeys(columns.values())))
        at = 1
        for part in frame.select(pl.col(column).alias(role) for role, column in columns.items()).iter_slices(BATCH_ROWS):
            problems.n_rows += part.height
            yield Batch(part, at)
            at += part.height


def read_avro(address: str, *, columns: list[str] | None = None, n_rows: int | None = None) -> pl.DataFrame:
    """Raises DataError, also for types of Avro that polars does not know."""
    try:
        return pl.read_avro(address, columns=columns, n_rows=n_rows)
    except (PolarsError, PanicException, OSError) as error:
        raise DataError(f"{address} can't be read as Avro: {first_line(error)}; save it as Parquet") from None
