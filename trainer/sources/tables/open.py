"""Opens what a source names: one table, or several files of the same columns read one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Batch, Table
from trainer.rows.column_names import name as shown
from trainer.rows.doubt import LATER_COLUMNS
from trainer.rows.notes import Note
from trainer.rows.problems import EmptySourceError, NoNamesError, Problems
from trainer.sources.shapes.baskets import Baskets
from trainer.sources.shapes.lines import MovieBlocks, RaggedBaskets, in_blocks
from trainer.sources.shapes.wide import WideTable
from trainer.sources.tables import locations, partitions
from trainer.sources.tables.avro import AvroTable
from trainer.sources.tables.columns import AUTO, is_known, role_of
from trainer.sources.tables.copies import copies
from trainer.sources.tables.lake import is_lake, open_lake, open_remote_lake
from trainer.sources.tables.locations import Location
from trainer.sources.tables.partitions import Part
from trainer.sources.tables.typed import open_scan
from trainer.sources.text.delimited import DelimitedTable
from trainer.sources.text.json_lines import JsonLinesTable

DATABASE_SCHEMES = "://"


def open_table(name: str, source: SourceSettings) -> Table:
    """The table under `name`, in the shape that the settings give it: files, or a query or table of a database."""
    table = _opened(name, source)
    if source.wide:
        return WideTable(table, source)
    return Baskets(table, source) if source.baskets else table


def _opened(name: str, source: SourceSettings) -> Table:
    if name.casefold().startswith("file:"):
        raise DataError(f"{name} is an address; give the path of the file alone, as in /data/events.csv")
    if DATABASE_SCHEMES in name and not name.startswith(locations.STORES):
        from trainer.sources.tables.database import SqlTable  # SQLAlchemy takes a while to import

        return SqlTable(name, source)
    if is_lake(name):
        return open_lake(name)
    if name.startswith(locations.STORES) and not name.startswith("http") and (lake := open_remote_lake(name)):
        return lake
    try:
        found = locations.find(name, source.sheet)
    except OSError as error:
        raise DataError(f"{error.filename or name} can't be read: {error.strerror}") from None
    if len(found) == 1 and not partitions.of(found[0].address):
        return _open(found[0], source)
    return Files(name, found, source)


def _open(location: Location, source: SourceSettings) -> Table:
    if location.empty:
        raise EmptySourceError(f"{location.address} is empty")
    if location.remote or location.format in ("parquet", "arrow"):
        return open_scan(location, source)
    if location.format == "workbook":
        from trainer.sources.tables.workbook import WorkbookTable  # calamine, for those who have workbooks

        return WorkbookTable(location, source)
    if location.format == "avro":
        return AvroTable(location, source)
    if location.format == "jsonl":
        return JsonLinesTable(location, source)
    if source.baskets and not source.header:
        return RaggedBaskets(location, source)
    if in_blocks(location):
        return MovieBlocks(location, source)
    return DelimitedTable(location, source)


def parts_of(table: Table, columns: Mapping[str, str], problems: Problems) -> Iterable[Table]:
    """Each file of several, else the table itself."""
    return table.parts(columns, problems) if isinstance(table, Files) else [table]


class Files:
    """The first file with rows, open, and those that follow: opened one by one, each must have the columns that are read."""

    def __init__(self, where: str, found: Sequence[Location], source: SourceSettings) -> None:
        self.where, self._source = where, source
        self._found = list(found)
        notes = [f"{len(found)} files"] if len(found) > 1 else []
        self._dated = all(partitions.says_day(partitions.of(one.address)) for one in found)
        while True:
            location = self._found.pop(0)
            try:
                self._first = _open(location, source)
                break
            except EmptySourceError as error:
                if not self._found:
                    raise
                notes.append(f"{error}: left out")
        self.named = self._first.named
        inner, said = partitions.columns_of(self._folders(location), self._first.names if self.named else None, source)
        self._inner = tuple(inner)
        notes += copies(found, lambda one: tuple(self._values(one).items()))
        self._part = self._as_part(self._first, location)
        self.names: Sequence[str] = self._part.names
        self.said_of = f"{where}: {Path(location.address).name}" if len(found) > 1 else where
        """Whose names of columns they are, for messages."""
        self.notes: Sequence[str] = (*self._first.notes, *notes, *said)

    def sample(self, column: str) -> pl.Series:
        return self._part.sample(column)

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        for part in self.parts(columns, problems):
            yield from part.batches(columns, numbers, problems)

    def parts(self, columns: Mapping[str, str], problems: Problems) -> Iterator[Table]:
        """Each file as a table with the names of the first. Empty ones are left out, with a note."""
        yield self._part
        for location in self._found:
            try:
                table = _open(location, self._source)
            except EmptySourceError as error:
                problems.note(f"{error}: left out")
                continue
            except NoNamesError:
                table = _open(location, self._source.model_copy(update={"header": False}))
                if len(table.names) != len(self._first.names):
                    raise
                problems.note(f"{table.where} has no line of names: it goes on with the columns of {self._first.where}")
                yield Part(table, dict(zip(self._first.names, table.names, strict=True)), self._values(location))
                continue
            part = self._as_part(table, location)
            if lacking := [column for column in columns.values() if column not in part.names]:
                raise DataError(self._lacks(lacking[0], table))
            self._tell_later(table, columns, problems)
            yield part

    def _tell_later(self, table: Table, columns: Mapping[str, str], problems: Problems) -> None:
        """Say, once, that a file has a weight or a time where the first one has none: its rows are read without."""
        later = {
            role: name
            for role in ("weight", "time")
            if role not in columns and getattr(self._source, f"{role}_column") == AUTO and not self._source.event_weights
            for name in table.names
            if name not in self.names and role_of(name) == role
        }
        if later and not problems.has_note("columns"):
            named = " and ".join(map(shown, later.values()))
            problems.note(Note(f"{LATER_COLUMNS}: {table.where} has {named}, and {self._first.where} has not", "columns"))

    def _as_part(self, table: Table, location: Location) -> Part:
        return Part(table, {name: name for name in table.names}, self._values(location))

    def _values(self, location: Location) -> dict[str, str | None]:
        values = self._folders(location)
        return {name: values[name] for name in self._inner if name in values}

    def _folders(self, location: Location) -> dict[str, str | None]:
        values = partitions.of(location.address)
        return partitions.with_day(values) if self._dated else values

    def _lacks(self, column: str, table: Table) -> str:
        split = len(table.names) == len(self._first.names) and not any(map(is_known, table.names))
        hint = (
            "if it is the rest of a split file, without names of its own, join the parts"
            if split
            else "all files must have the same columns"
        )
        return f"{table.where} has no column {shown(column)}, which {self._first.where} has; {hint}"
