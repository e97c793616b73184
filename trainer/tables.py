"""Opens what a source names: one table, or several files of the same columns read one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from contract.errors import DataError
from contract.settings import SourceSettings
from trainer import locations
from trainer.batches import Batch, Table
from trainer.delimited import DelimitedTable
from trainer.json_lines import JsonLinesTable
from trainer.locations import Location
from trainer.problems import Problems
from trainer.typed_tables import open_scan

DATABASE_SCHEMES = "://"


def open_table(name: str, source: SourceSettings, *, by_lines: bool = False) -> Table:
    """The table under `name`: files, or a query or table of a database. `by_lines`: know the line of every row, which takes longer."""
    if DATABASE_SCHEMES in name and not name.startswith(locations.STORES):
        from trainer.sql import SqlTable  # SQLAlchemy takes a while to import

        return SqlTable(name, source)
    found = locations.find(name)
    first = _open(found[0], source, by_lines)
    return first if len(found) == 1 else _Files(name, first, found[1:], source, by_lines)


def _open(location: Location, source: SourceSettings, by_lines: bool) -> Table:
    if location.remote or location.format == "parquet":
        return open_scan(location, source)
    if location.format == "jsonl":
        return JsonLinesTable(location, source)
    return DelimitedTable(location, source, by_lines=by_lines)


@dataclass(slots=True)
class _Files:
    """The first file, open, and those that follow: opened one by one, each must have the columns that are read."""

    where: str
    first: Table
    others: Sequence[Location]
    source: SourceSettings
    by_lines: bool

    @property
    def names(self) -> Sequence[str]:
        return self.first.names

    @property
    def named(self) -> bool:
        return self.first.named

    @property
    def notes(self) -> Sequence[str]:
        return (*self.first.notes, f"{1 + len(self.others)} files")

    def sample(self, column: str) -> pl.Series:
        return self.first.sample(column)

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        yield from self.first.batches(columns, numbers, problems)
        for location in self.others:
            table = _open(location, self.source, self.by_lines)
            if lacking := [column for column in columns.values() if column not in table.names]:
                raise DataError(
                    f"{table.where} has no column {lacking[0]!r}, which {self.first.where} has; all files must have the same columns"
                )
            yield from table.batches(columns, numbers, problems)
