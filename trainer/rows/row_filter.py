"""The rows of a batch that are still good, while it is gone through for one thing after another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from contract.errors import DataError
from trainer.rows.batches import Batch
from trainer.rows.distinct import any_value, is_text
from trainer.rows.problems import SHOWN, Problems

MISSING = "missing value"
EMPTY = "nothing in any column"
NAMES_AGAIN = "the names of columns again"
RULE = "a line of dashes or types under the names"
NO_ROWS = (EMPTY, NAMES_AGAIN, RULE)
"""Reasons that cost nothing: there was no interaction."""
_AROUND_NAMES = ' \t\r\ufeff"'
_UNDER_NAMES = 3  # lines
_TYPES = r"(big|small|tiny)?int(eger)?(8|16|32|64)?|(n?var)?char2?(\(\d+\))?|string|text|str|object|category|uuid|number"
_RULE = re.compile(rf"\s*([-=+:]{{2,}}|{_TYPES})\s*", re.IGNORECASE)


def _plain(name: str) -> str:
    return name.strip(_AROUND_NAMES).lower()


def _shown(raw: pl.Series, row: int) -> Any:
    try:
        value = raw[row]
    except (ValueError, OverflowError):  # a date of polars that Python does not have
        return "before the year 1" if raw.to_physical()[row] < 0 else "after the year 9999"
    return "" if value is None else value


@dataclass(slots=True)
class RowFilter:
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

    def drop_no_rows(self, *, named: bool, known: Mapping[str, Sequence[str]]) -> None:
        """Without empty lines and, lines that hold the names of columns, as in files that were put together.

        `known`: what users and items are called where the table has no names of its own."""
        frame = self.batch.frame
        if frame["user"].null_count() and frame["item"].null_count():
            self.drop(EMPTY, frame.select(pl.all_horizontal(pl.all().is_null())).to_series(), "user")
        if all(is_text(frame[role]) for role in ("user", "item")):
            self._drop_names(known if not named else {role: [_plain(self.columns.get(role, ""))] for role in known})
            self._drop_rules()

    def _drop_names(self, known: Mapping[str, Sequence[str]]) -> None:
        """Lines that hold names of columns. Raises DataError where they stand in another order: what follows would be read wrongly."""
        names = "|".join(re.escape(name) for name in sorted({*known["user"], *known["item"]}))
        pattern = rf'(?i)^[\s\ufeff"]*(?:{names})[\s\ufeff"]*$'
        if not any_value(self.batch.frame["user"], lambda texts: texts.str.contains(pattern)):
            return
        user, item = (self.batch.frame[role].cast(pl.String).str.strip_chars(_AROUND_NAMES).str.to_lowercase() for role in ("user", "item"))
        if (other := (user.is_in(known["item"]) & item.is_in(known["user"])).fill_null(False)).any():
            line = self.batch.places(other.arg_true()[:1].to_list())[0]
            raise DataError(
                f"{self.where}: {f'line {line:,} has' if line else 'a line has'} the names of columns in another order; "
                "files of different columns were put together: read them as files of one folder"
            )
        self.drop(NAMES_AGAIN, (user.is_in(known["user"]) & item.is_in(known["item"])).fill_null(False), "user")

    def _drop_rules(self) -> None:
        """Lines of dashes, or of types, under the names, as programs of databases write them."""
        ids = self.batch.frame.select("user", "item")
        if ids.is_empty() or not 0 < self.batch.places([0])[0] <= _UNDER_NAMES:
            return
        first = [all(_RULE.fullmatch(text or "") for text in row) for row in ids.head(_UNDER_NAMES).rows()]
        self.drop(RULE, pl.Series([*first, *[False] * (ids.height - len(first))], dtype=pl.Boolean), "user")
