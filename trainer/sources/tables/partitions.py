"""Columns that stand in the names of folders, as Hive and Spark write them: date=2024-01-05/part-0.parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from urllib.parse import unquote

import polars as pl

from contract.settings.settings import SourceSettings
from trainer.rows.batches import Batch, Table, Within
from trainer.rows.problems import Problems
from trainer.sources.tables.columns import KNOWN_NAMES, plain_name

_FOLDER = re.compile(r"([A-Za-z_]\w*)=(.+)")
DAY = "date"
_OF_DAY = ("year", "month", "day")
_NONE = "__HIVE_DEFAULT_PARTITION__"


def of(address: str) -> dict[str, str | None]:
    """Columns and their values in the folders of an address."""
    found = (_FOLDER.fullmatch(part) for part in PurePath(address).parts[:-1])
    return {match[1]: None if match[2] == _NONE else unquote(match[2]) for match in found if match}


def with_day(folders: Mapping[str, str | None]) -> dict[str, str | None]:
    """The same with the day of year=2024, month=5, day=1 as date=2024-05-01; None for what is no day."""
    parts = {plain_name(name): value or "" for name, value in folders.items()}
    if DAY in parts or not says_day(folders):
        return dict(folders)
    try:
        day = date(*(int(parts[name]) for name in _OF_DAY)).isoformat()
    except ValueError:
        day = None
    return {DAY: day, **folders}


def says_day(folders: Mapping[str, object]) -> bool:
    return {plain_name(name) for name in folders} >= set(_OF_DAY)


def columns_of(folders: Mapping[str, object], names: Sequence[str] | None, source: SourceSettings) -> tuple[list[str], list[str]]:
    """Those that are read as columns, beside `names` in the files (None: they have none); and what is said about all of them.

    One is read where the settings name it, or where its role has no column in the files.
    """
    read, notes = [], []
    asked = {role: getattr(source, f"{role}_column") for role in KNOWN_NAMES}
    for name in folders:
        roles = [role for role, known in KNOWN_NAMES.items() if plain_name(name) in known and asked[role] == "auto"]
        free = [role for role in roles if not any(plain_name(other) in KNOWN_NAMES[role] for other in names or ())]
        made = name == DAY and says_day(folders)
        if names is not None and name not in names and (name in asked.values() or free):
            read.append(name)
            notes.append(f"column {name!r} {'is the day that the names of folders say' if made else 'stands in the names of folders'}")
        elif made or (plain_name(name) in _OF_DAY and DAY in read):
            continue
        elif names is None or name not in names:
            notes.append(f"{name!r} in the names of folders ({name}=...) is not read")
    return read, notes


@dataclass(frozen=True, slots=True)
class Part(Within):
    """A file of several. `own`: its names of the columns; `values`: columns that its folders give."""

    table: Table
    own: Mapping[str, str]
    values: Mapping[str, str | None]

    @property
    def names(self) -> Sequence[str]:
        return [*self.own, *self.values]

    def sample(self, column: str) -> pl.Series:
        if column in self.values:
            return pl.Series(column, [self.values[column]], dtype=pl.String)
        return self.table.sample(self.own[column])

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        inside = {role: self.own[column] for role, column in columns.items() if column in self.own}
        given = [pl.lit(self.values[column], pl.String).alias(role) for role, column in columns.items() if column not in self.own]
        for batch in self.table.batches(inside, numbers, problems):
            yield Batch(batch.frame.with_columns(given).select(list(columns)), batch.lines, batch.n_records) if given else batch
