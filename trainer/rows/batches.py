"""What every kind of table gives: rows in batches whose columns are roles, and where each row stands in the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from trainer.rows.problems import Problems

BATCH_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """`frame` has the roles as columns. `lines`: the line of each row, or that of the first one if they follow each other, or None.

    `n_records`: rows, good or not, that the source has in this place by a count other than the frame's; None where only the total is known.
    """

    frame: pl.DataFrame
    lines: pl.Series | int | None = None
    n_records: int | None = None

    def places(self, rows: Sequence[int]) -> list[int]:
        """Lines of the given rows; 0 where they are not known."""
        if self.lines is None:
            return [0] * len(rows)
        if isinstance(self.lines, int):
            return [self.lines + row for row in rows]
        return [int(line) for line in self.lines.gather(list(rows))]


class Table(Protocol):
    """Rows with named columns. `named` is whether the names are the table's own; `notes` what was assumed to read it."""

    @property
    def where(self) -> str: ...

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def named(self) -> bool: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def sample(self, column: str) -> pl.Series:
        """Some values of a column, from the beginning."""
        ...

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        """All rows, once. The columns of the roles `numbers` hold numbers; those of the others are as the table has them.

        Rows that are no rows are added to `problems`, with all others they are counted there. Raises DataError.
        """
        ...


class Within:
    """A table that gives a part of `table`, and is called as that one is."""

    __slots__ = ()
    table: Table

    @property
    def where(self) -> str:
        return self.table.where

    @property
    def names(self) -> Sequence[str]:
        return self.table.names

    @property
    def named(self) -> bool:
        return self.table.named

    @property
    def notes(self) -> Sequence[str]:
        return self.table.notes

    def sample(self, column: str) -> pl.Series:
        return self.table.sample(column)


def texts(rows: Mapping[str, list[Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String))
