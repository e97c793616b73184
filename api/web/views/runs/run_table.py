"""The table of runs: those that made a generation, and those that did not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from api.web.views.tables.csv_text import Cell
from api.web.views.tables.sorting import Column
from contract.store.history import RunRecord
from contract.store.runs import RunStatus


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: of a run that made a generation, or of one that did not."""

    run: str
    record: RunRecord | None
    status: RunStatus | None

    @property
    def outcome(self) -> str:
        if self.record is None:
            return self.status.state if self.status else "unknown"
        return "passed" if self.record.passed else "refused"

    def measured(self, name: str, *, of: Literal["model", "popularity"] = "model") -> float | None:
        """A measure of the model, or of popularity alone; None where the run was not measured."""
        return None if self.record is None else (self.record.model if of == "model" else self.record.popularity).get(name)

    @property
    def text(self) -> str:
        record = self.record
        return f"{self.run} {record.source} {record.settings} {record.because}".casefold() if record else self.run


def entries(records: Sequence[RunRecord], statuses: Sequence[RunStatus]) -> list[Entry]:
    """Newest first: the ids of runs begin with the time."""
    status_of = {status.run: status for status in statuses}
    found = {record.run: Entry(record.run, record, status_of.get(record.run)) for record in records}
    for status in statuses:
        found.setdefault(status.run, Entry(status.run, None, status))
    return sorted(found.values(), key=lambda entry: entry.run, reverse=True)


def filtered(rows: list[Entry], text: str, outcome: str) -> list[Entry]:
    words = text.casefold().split()
    return [row for row in rows if all(word in row.text for word in words) and (not outcome or row.outcome == outcome)]


COLUMNS: list[Column[Entry]] = [
    Column("run", "Run", lambda row: row.run),
    Column("outcome", "Outcome", lambda row: row.outcome),
    Column("ndcg", "nDCG", lambda row: row.measured("ndcg"), is_number=True),
    Column("popularity", "Popularity", lambda row: row.measured("ndcg", of="popularity"), is_number=True),
    Column("users", "Users", lambda row: row.record and row.record.n_users, is_number=True),
    Column("interactions", "Interactions", lambda row: row.record and row.record.n_interactions, is_number=True),
    Column("took", "Took", lambda row: row.record and row.record.seconds, is_number=True),
]
_MEASURES = ("ndcg", "recall", "precision", "map", "coverage", "diversity", "novelty", "serendipity", "long_tail", "gini")


def as_table(rows: Sequence[Entry], served: str) -> tuple[list[str], Iterator[list[Cell]]]:
    """Columns and rows for programs: figures as they were recorded, settings as JSON."""
    columns = ["run", "outcome", "served", "trained_at", "data_until", "source", "users", "items", "interactions", "seconds", "k", "split"]
    columns += [*_MEASURES, "popularity_ndcg", "because", "settings"]
    return columns, (_cells(row, row.run == served) for row in rows)


def _cells(row: Entry, is_served: bool) -> list[Cell]:
    record = row.record
    if record is None:
        return [row.run, row.outcome, is_served, *[None] * (11 + len(_MEASURES)), None]
    sizes: list[Cell] = [record.n_users, record.n_items, record.n_interactions, record.seconds, record.k, record.split]
    measures = [row.measured(name) for name in _MEASURES]
    about: list[Cell] = [row.run, row.outcome, is_served, record.trained_at, record.data_until, record.source]
    popularity = row.measured("ndcg", of="popularity")
    return [*about, *sizes, *measures, popularity, record.because, json.dumps(record.settings, ensure_ascii=False)]
