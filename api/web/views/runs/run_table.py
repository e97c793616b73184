"""The table of runs: those that made a generation, and those that did not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any, Literal

from api.web.views.formats import duration, figure, moment, number, setting
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


USUAL = ("run", "outcome", "ndcg", "popularity_ndcg", "users", "interactions", "seconds", "settings")
_MEASURES = {
    "ndcg": "nDCG", "recall": "Recall", "precision": "Precision", "map": "MAP", "coverage": "Coverage", "diversity": "Diversity",
    "novelty": "Novelty", "serendipity": "Serendipity", "long_tail": "Long tail", "gini": "Gini",
}  # fmt: skip


def columns_of(rows: Sequence[Entry], served: str) -> list[Column[Entry]]:
    """All that there are: figures as they were recorded, settings as JSON, and each setting that some run has as a column of its own."""
    names = sorted({name for row in rows if row.record for name in row.record.settings})
    return [*_columns(served), *(Column(f"settings.{name}", name, partial(_setting, name), show=setting) for name in names)]


def as_table(rows: Sequence[Entry], columns: Sequence[Column[Entry]]) -> tuple[list[str], Iterator[list[Cell]]]:
    """For programs."""
    return [column.name for column in columns], ([column.of(row) for column in columns] for row in rows)


def _columns(served: str) -> Iterator[Column[Entry]]:
    yield Column("run", "Run", lambda row: row.run)
    yield Column("outcome", "Outcome", lambda row: row.outcome)
    yield Column("served", "Served", lambda row: row.run == served, show=lambda is_served: "yes" if is_served else "")
    yield _recorded("trained_at", "Trained", lambda record: record.trained_at, show=moment)
    yield _recorded("data_until", "Newest interaction", lambda record: record.data_until, show=moment)
    yield _recorded("source", "Source", lambda record: record.source, is_wide=True)
    yield _recorded("users", "Users", lambda record: record.n_users, is_number=True, show=number)
    yield _recorded("items", "Items", lambda record: record.n_items, is_number=True, show=number)
    yield _recorded("interactions", "Interactions", lambda record: record.n_interactions, is_number=True, show=number)
    yield _recorded("seconds", "Took", lambda record: record.seconds, is_number=True, show=duration)
    yield _recorded("k", "k", lambda record: record.k, is_number=True, show=number)
    yield _recorded("split", "Split", lambda record: record.split)
    for name, title in _MEASURES.items():
        yield Column(name, title, methodcaller("measured", name), is_number=True, show=figure)
    yield Column("popularity_ndcg", "Popularity", methodcaller("measured", "ndcg", of="popularity"), is_number=True, show=figure)
    yield _recorded("because", "Reason", lambda record: record.because, is_wide=True)
    yield _recorded("settings", "Settings", lambda record: json.dumps(record.settings, ensure_ascii=False), show=_settings, is_wide=True)


def _recorded(name: str, title: str, of: Callable[[RunRecord], Cell], **how: Any) -> Column[Entry]:
    return Column(name, title, lambda row: None if row.record is None else of(row.record), **how)


def _setting(name: str, row: Entry) -> Cell:
    if row.record is None:
        return None
    value = row.record.settings.get(name, "default")
    return value if isinstance(value, str | int | float) else setting(value)


def _settings(text: str) -> str:
    return ", ".join(f"{name} {setting(value)}" for name, value in json.loads(text).items()) or "default"
