"""A sheet of a workbook: Excel (.xlsx, .xlsb, .xls) or OpenDocument (.ods), read by calamine with the types of its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import polars as pl
import python_calamine as calamine

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Batch
from trainer.rows.column_names import names as shown_names
from trainer.rows.problems import EmptySourceError, NoNamesError, Problems, shortened
from trainer.sources.tables.columns import is_known
from trainer.sources.tables.database_values import series
from trainer.sources.tables.locations import Location
from trainer.sources.tables.typed import check_types
from trainer.sources.text.preamble import LOOKED_AT, are_names

SAMPLE_ROWS = 2000
READ_ROWS = 50_000
LAST_ROW = 1_048_576  # that an Excel sheet has
_ERRORS = (calamine.CalamineError, calamine.PasswordError, calamine.XmlError, calamine.ZipError, OSError)

Cell = Any
Row = Sequence[Cell]


class WorkbookTable:
    """Rows are counted as the program that shows the sheet counts them."""

    def __init__(self, location: Location, source: SourceSettings) -> None:
        self.where = location.address
        self.named = source.header
        self._book = self._opened()
        notes: list[str] = []
        self._sheet = self._chosen(source, notes)
        head = list(islice(self._sheet.iter_rows(), SAMPLE_ROWS))
        at = _row_of_names(head, source)
        if at is None:
            raise EmptySourceError(f"{self.where}: sheet {self._sheet.name!r} holds nothing")
        if source.header:
            self.names = self._named(head[at])
            if any(_filled(row) for row in head[:at]):
                first = next(_text(cell) for row in head[:at] for cell in row if cell != "")
                notes.append(f"the names of columns stand in row {at + 1:,}; what stands before is left out: {shortened(first)!r}")
        else:
            self.names = [str(place) for place in range(1, len(head[at]) + 1)]
        self._skipped = at + source.header
        self._head = head[self._skipped :]
        if self._sheet.total_height >= LAST_ROW:
            notes.append(f"sheet {self._sheet.name!r} is full to its last row, {LAST_ROW:,}: rows may have been cut off when it was saved")
        self.notes = tuple(notes)

    def sample(self, column: str) -> pl.Series:
        at = self.names.index(column)
        return _column(column, [row[at] for row in self._head]).drop_nulls()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        at = {role: self.names.index(column) for role, column in columns.items()}
        line = self._skipped + 1
        left = islice(self._sheet.iter_rows(), self._skipped, None)
        while rows := list(islice(left, READ_ROWS)):
            frame = pl.DataFrame([_column(role, [row[place] for row in rows]) for role, place in at.items()])
            check_types(dict(frame.schema), {role: role for role in columns}, self.where)
            problems.n_rows += frame.height
            yield Batch(frame, line, len(rows))
            line += len(rows)

    def _opened(self) -> calamine.CalamineWorkbook:
        try:
            with open(self.where, "rb") as file:  # by its content: by a path it would go by the name
                return calamine.load_workbook(file)
        except calamine.PasswordError:
            raise DataError(f"{self.where} is a workbook with a password; save it without one") from None
        except _ERRORS as error:
            raise DataError(f"{self.where} can't be read as a workbook: {shortened(str(error))}") from None

    def _chosen(self, source: SourceSettings, notes: list[str]) -> calamine.CalamineSheet:
        if source.sheet:
            if source.sheet not in self._book.sheet_names:
                raise DataError(f"{self.where} has no sheet {source.sheet!r}; it has {shown_names(self._book.sheet_names)}")
            return self._read(source.sheet)
        visible = [one.name for one in self._book.sheets_metadata if one.visible == calamine.SheetVisibleEnum.Visible]
        filled = [sheet for sheet in map(self._read, visible) if sheet.height]
        if not filled:
            raise EmptySourceError(f"{self.where} has no sheet that holds anything")
        fitting = [sheet for sheet in filled if any(are_names(_texts(row), source) for row in islice(sheet.iter_rows(), LOOKED_AT))]
        found = filled if len(filled) == 1 else fitting
        if len(found) != 1:
            raise DataError(f"{self.where} has several sheets; name one with --sheet: {shown_names([sheet.name for sheet in filled])}")
        if len(filled) > 1:
            notes.append(f"sheet {found[0].name!r} is read, the only one with columns of users and items; --sheet names another")
        return found[0]

    def _read(self, name: str) -> calamine.CalamineSheet:
        try:
            return self._book.get_sheet_by_name(name)
        except _ERRORS as error:
            raise DataError(f"{self.where}: sheet {name!r} can't be read: {shortened(str(error))}") from None

    def _named(self, row: Row) -> list[str]:
        texts = [text.strip() for text in _texts(row)]
        if any(isinstance(cell, int | float | date) for cell in row) and not any(map(is_known, texts)):
            begins = f"{self.where} begins with {shortened(', '.join(texts))!r}"
            raise NoNamesError(f"{begins}, which looks like data and not like names of columns; say --no-header")
        return [text or f"column {at}" for at, text in enumerate(texts, 1)]


def _row_of_names(head: Sequence[Row], source: SourceSettings) -> int | None:
    """The row of names or, without one, the first row that holds anything."""
    filled = [at for at, row in enumerate(head) if _filled(row)][:LOOKED_AT]
    if source.header and (named := [at for at in filled if are_names(_texts(head[at]), source)]):
        return named[0]
    return filled[0] if filled else None


def _filled(row: Row) -> bool:
    return any(cell != "" for cell in row)


def _texts(row: Row) -> list[str]:
    return [_text(cell) for cell in row]


def _column(name: str, cells: Sequence[Cell]) -> pl.Series:
    """Cells as a column. A cell holds every number as a float: whole ones are integers where all of the column are, or some are texts."""
    values = [None if cell == "" else cell for cell in cells]
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {float}:
        floats = pl.Series(name, values, dtype=pl.Float64)
        whole = floats.cast(pl.Int64, strict=False)
        return whole if (whole.cast(pl.Float64) == floats).all() else floats
    if kinds == {date, datetime}:
        return pl.Series(name, [_moment(value) for value in values], dtype=pl.Datetime("us"))
    if len(kinds) > 1:
        return pl.Series(name, [None if value is None else _text(value) for value in values], dtype=pl.String)
    return series(name, values)


def _moment(value: date | None) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else datetime.combine(value, time())


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(_moment(cell)) if isinstance(cell, date) else str(cell)
