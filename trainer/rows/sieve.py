"""The rows of a batch that are still good, while it is gone through for one thing after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from trainer.rows.batches import Batch
from trainer.rows.problems import SHOWN, Problems

MISSING = "missing value"
EMPTY = "nothing in any column"
NAMES_AGAIN = "the names of columns again"
NO_ROWS = (EMPTY, NAMES_AGAIN)
"""Reasons that cost nothing: there was no interaction."""
_AROUND_NAMES = " \t\r\ufeff"


def _shown(raw: pl.Series, row: int) -> Any:
    try:
        value = raw[row]
    except (ValueError, OverflowError):  # a date of polars that Python does not have
        return "before the year 1" if raw.to_physical()[row] < 0 else "after the year 9999"
    return "" if value is None else value


@dataclass(slots=True)
class Sieve:
    """The rows of a batch that are still good; every other one is counted for the first thing that is wrong with it."""

    batch: Batch
    problems: Problems
    where: str
    columns: dict[str, str]
    kept: pl.Series | None = None

    def drop(self, reason: str, bad: pl.Series, role: str, *, broken: bool = False) -> None:
        if not bad.any():
            return
        if self.kept is not None:
            bad = bad & self.kept
        rows = bad.arg_true()
        shown = rows[:SHOWN].to_list()
        raw = self.batch.frame[role] if role in self.batch.frame.columns else None
        values = ["" if raw is None else _shown(raw, row) for row in shown]
        places = list(zip(self.batch.places(shown), values, strict=True))
        self.problems.add(reason, rows.len(), self.where, self.columns.get(role, ""), places, broken=broken)
        self.kept = ~bad if self.kept is None else self.kept & ~bad

    def point_out(self, reason: str, rows: pl.Series, role: str) -> None:
        """Show rows that are kept here, and counted under `reason` once all rows are known."""
        if not rows.any():
            return
        found = (rows if self.kept is None else rows & self.kept).arg_true()[:SHOWN].to_list()
        places = [(line, _shown(self.batch.frame[role], row)) for row, line in zip(found, self.batch.places(found), strict=True)]
        self.problems.show(reason, self.where, self.columns.get(role, ""), places)

    def drop_missing(self, column: pl.Series, role: str) -> None:
        if column.null_count():
            self.drop(MISSING, column.is_null(), role)

    def drop_no_rows(self, *, named: bool) -> None:
        """Without empty lines and, where columns have names, lines that hold them again, as in files that were put together."""
        frame = self.batch.frame
        if frame["user"].null_count() and frame["item"].null_count():
            self.drop(EMPTY, frame.select(pl.all_horizontal(pl.all().is_null())).to_series(), "user")
        if named and all(frame[role].dtype == pl.String for role in ("user", "item")):
            again = [frame[role].str.strip_chars(_AROUND_NAMES) == self.columns.get(role) for role in ("user", "item")]
            self.drop(NAMES_AGAIN, (again[0] & again[1]).fill_null(False), "user")
