"""What every shape gives: a table whose columns are known without their names, and whose rows are made from those of another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from trainer.rows.batches import Batch, Table
from trainer.rows.ledger import Ledger
from trainer.rows.problems import Problems
from trainer.sources.tables.columns import Columns

MADE_AT_ONCE = 4_000_000  # cells
LINE = "line of the table"


@dataclass(slots=True)
class _Rows:
    """The rows of `table`, and what was dropped of them: each is made into rows, or counted in `problems` as one that could not be."""

    table: Table
    problems: Problems
    own: Problems = field(default_factory=Problems)
    told: Counter[str] = field(default_factory=Counter)

    def batches(self, columns: Mapping[str, str]) -> Iterator[tuple[Batch, int]]:
        """Batches of the table, with how many rows of each were lost."""
        ledger = Ledger(self.table.where, self.own)
        for batch in self.table.batches(columns, [], self.own):
            ledger.enter(batch, batch.frame.height)
            yield batch, self._carry()

    def _carry(self) -> int:
        lost = self.own.dropped - self.told
        for reason, n in lost.items():
            self.problems.n_rows += n
            self.problems.add(reason, n, self.table.where, "", [], broken=reason in self.own.broken)
            self.problems.examples[reason] = self.own.examples[reason]
        self.told = Counter(self.own.dropped)
        for note in self.own.notes:
            self.problems.note(note)
        return lost.total()


class Reshaped:
    """Rows of `table`, each made into several by `_made`. `chosen`: the column of each role. Values are told by its lines."""

    named = False

    def __init__(self, table: Table, chosen: Columns, wanted: Mapping[str, str], rows_at_once: int) -> None:
        self._table, self._wanted, self._rows_at_once = table, dict(wanted), rows_at_once
        self.where, self.chosen = table.where, chosen
        self.names: Sequence[str] = list(chosen.of.values())
        self.notes: Sequence[str] = tuple(table.notes)

    def sample(self, column: str) -> pl.Series:
        return self._table.sample(column)

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (made as texts)
        for batch, lost in _Rows(self._table, problems).batches(self._wanted):
            lines = pl.Series(LINE, batch.places(range(batch.frame.height)), dtype=pl.Int64)
            for rows in batch.frame.with_columns(lines).iter_slices(self._rows_at_once):
                made = self._made(rows).select(LINE, *columns)
                problems.n_rows += made.height
                yield Batch(made.drop(LINE), made[LINE], made.height + lost)
                lost = 0
            if lost:
                yield Batch(self._made(batch.frame.with_columns(lines)).select(list(columns)).clear(), None, lost)

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        raise NotImplementedError
