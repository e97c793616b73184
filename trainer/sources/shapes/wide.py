"""A matrix: a row for a user, a column for an item, and a weight in each cell that is filled."""

from __future__ import annotations

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Table
from trainer.rows.column_names import name as shown
from trainer.rows.column_names import names as shown_names
from trainer.sources.shapes.reshaped import LINE, MADE_AT_ONCE, Reshaped
from trainer.sources.tables.columns import AUTO, KNOWN_NAMES, Columns, plain_name

_MOSTLY = 0.5


class WideTable(Reshaped):
    """The column of users is the one that is named, or has a well-known name, or the first. One with a name of times is no item."""

    def __init__(self, table: Table, source: SourceSettings) -> None:
        names = [name for name in table.names if name]
        if twins := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{table.where} has two columns named {shown(twins[0])}: an item has one column of a matrix")
        known = [name for name in names if plain_name(name) in KNOWN_NAMES["user"]]
        user = known[0] if len(known) == 1 else names[0]
        about = {"user": user if source.user_column == AUTO else source.user_column}
        times = [name for name in names if plain_name(name) in KNOWN_NAMES["time"] and name != about["user"]]
        if source.time_column == AUTO and len(times) > 1:
            raise DataError(f"{table.where}: the time column may be any of {shown_names(times)}; choose one with --time-column")
        if time := times[0] if times and source.time_column == AUTO else source.time_column.replace(AUTO, ""):
            about["time"] = time
        for role, column in about.items():
            if column not in names:
                raise DataError(f"{table.where} has no column {column!r}; it has {shown_names(names)}. Name it with --{role}-column")
        self._items = [name for name in names if name not in (*about.values(), *times)]
        if not self._items:
            raise DataError(
                f"{table.where} has no column besides {shown(about['user'])}: a matrix has one for each item. Perhaps set --separator"
            )
        self._missing = source.missing_values
        chosen = Columns({"user": about["user"], "item": "item", "weight": "weight", **about}, ())
        cells = {f"cell {at}": name for at, name in enumerate(self._items)}
        super().__init__(table, chosen, {**about, **cells}, max(1, MADE_AT_ONCE // len(cells)))
        self._refuse_zeros()
        said = "".join(f"the {role} column is {shown(column)}, " for role, column in about.items())
        self.notes = (*self.notes, f"a matrix: {said}and {len(cells):,} others are items ({shown_names(self._items[:3])})")

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        cells = [name for name in rows.columns if name.startswith("cell ")]
        kinds = {rows.schema[name] for name in cells}
        texts = not all(kind.is_numeric() or kind == pl.Null for kind in kinds)
        rows = rows.with_columns(pl.col(cells).cast(pl.String if texts else pl.Float64))
        about = [name for name in rows.columns if name not in cells]
        long = rows.unpivot(cells, index=about, variable_name="item", value_name="weight")
        long = long.with_columns(pl.col("item").replace_strict(cells, self._items[: len(cells)], return_dtype=pl.String))
        return long.filter(self._filled(long["weight"])).sort(LINE, maintain_order=True)

    def _filled(self, cells: pl.Series) -> pl.Series:
        if cells.dtype == pl.String:
            text = cells.str.strip_chars()
            return (cells.is_not_null() & ~text.is_in(["", *self._missing])).fill_null(False)
        return cells.is_not_null() & ~cells.is_nan() & ~cells.is_in(self._missing_numbers())

    def _missing_numbers(self) -> list[float]:
        found = []
        for text in self._missing:
            try:
                found.append(float(text))
            except ValueError:
                continue
        return found

    def _refuse_zeros(self) -> None:
        """A cell of 0 is met and not liked, as any weight of 0 is; a matrix of mostly zeros hardly means it."""
        n_filled = n_zeros = 0
        for name in self._items[:100]:
            cells = self._table.sample(name)
            cells = cells.filter(self._filled(cells if cells.dtype == pl.String else cells.cast(pl.Float64, strict=False)))
            n_filled += cells.len()
            n_zeros += int((cells.cast(pl.Float64, strict=False) == 0).sum())
        if n_zeros > _MOSTLY * n_filled:
            raise DataError(
                f"{self.where}: {n_zeros:,} of the first {n_filled:,} cells are 0: say --missing 0 where that stands for none; "
                "else write the rows of events in place of a matrix"
            )
