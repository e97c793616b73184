"""Which columns could be user, item, weight and time where their names say nothing: by what the first rows hold, as a command to copy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from contract.errors import DataError
from contract.settings.command_hints import as_called
from contract.settings.settings import SourceSettings
from trainer.check.column_looks import Column, look
from trainer.rows.batches import Table
from trainer.rows.problems import NoNamesError
from trainer.sources.tables.columns import KNOWN_NAMES, plain_name
from trainer.sources.tables.open import open_table

MOST_COLUMNS = 100  # of a table that is wider, nothing is said
_READING = ("separator", "encoding", "sql_query", "sql_table", "time_format", "time_unit", "missing")
_SECONDARY = re.compile(r"transaction|order|invoice|basket|ticket|receipt|trip|visit")
"""What stands for a user where nobody is named: what was bought together."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`command`: to copy. `evidence`: what each of its columns holds. `kinds`: the options that weigh types of events instead, or ""."""

    command: str
    evidence: tuple[str, ...]
    kinds: str = ""


def propose(source: SourceSettings) -> Proposal | None:
    """What may be meant by a table whose columns are not known; None where nothing is likely."""
    table, header = _opened(source)
    if table is None or not 1 < len(table.names) <= MOST_COLUMNS:
        return None
    try:
        columns = [column for name in table.names if name and (column := look(name, table, source))]
    except DataError:  # what is damaged further on
        return None
    chosen = _chosen(columns, source)
    if not {"user", "item"} <= chosen.keys():
        return None
    options = [*_given(source), *([] if header else ["--no-header"])]
    options += ["--baskets"] if chosen["item"].lists else []
    for role, column in chosen.items():
        options += [f"--{role}-column", shlex.quote(column.name)]
    for role in ("weight", "time"):
        if role not in chosen and (not header or any(plain_name(name) in KNOWN_NAMES[role] for name in table.names)):
            options += [f"--{role}-column", "''"]
    taken = {column.name for column in chosen.values()}
    event = next((one for one in columns if one.kinds and one.name not in taken), None)
    kinds = "" if event is None else _weighed(event)
    evidence = tuple(f"{role}, {column.words}" for role, column in chosen.items())
    return Proposal(" ".join([as_called("check", source.interactions), *options]), evidence, kinds)


def _given(source: SourceSettings) -> list[str]:
    """The options by which the table is read, as they were given."""
    given = [(name, getattr(source, name)) for name in _READING if getattr(source, name) != SourceSettings.model_fields[name].default]
    return [part for name, value in given for part in (f"--{name.replace('_', '-')}", shlex.quote(value))]


def _holds(values: pl.Series, name: str) -> bool:
    return not values.dtype.is_nested() and values.dtype != pl.Binary and name in values.cast(pl.String)


def _opened(source: SourceSettings) -> tuple[Table | None, bool]:
    try:
        table = open_table(source.interactions, source)
        if source.header and table.named and any(name and _holds(table.sample(name), name) for name in table.names):
            return open_table(source.interactions, source.model_copy(update={"header": False})), False  # its names are values
        return table, source.header
    except NoNamesError:
        try:
            return open_table(source.interactions, source.model_copy(update={"header": False})), False
        except DataError:
            return None, False
    except DataError:
        return None, False


def _chosen(columns: Sequence[Column], source: SourceSettings) -> dict[str, Column]:
    """A column for each role: one that is asked for, one that is known by its name, or the likeliest of those left."""
    by_name = {column.name: column for column in columns}
    chosen: dict[str, Column] = {}
    for role in ("user", "item", "weight", "time"):
        asked = getattr(source, f"{role}_column")
        known = [one for one in columns if plain_name(one.name) in KNOWN_NAMES[role] and one not in chosen.values()]
        if asked in by_name:
            chosen[role] = by_name[asked]
        elif asked and len(known) == 1:
            chosen[role] = known[0]
    for likely in (_by_name, _by_value):
        for role in ("time", "user", "item", "weight") if likely is _by_name else ("weight", "user", "item"):
            if role not in chosen and getattr(source, f"{role}_column"):
                left = [one for one in columns if one not in chosen.values()]
                if found := next(likely(role, left), None):
                    chosen[role] = found
    return {role: chosen[role] for role in ("user", "item", "weight", "time") if role in chosen}


def _by_name(role: str, left: Sequence[Column]) -> Iterator[Column]:
    """Those whose name and values both fit; times by their values alone."""
    if role == "time":
        yield from (one for one in left if one.like == "times")
    elif role == "weight":
        yield from (
            one for one in left if one.like in ("integers", "numbers") and one.distinct > 1 and one.hinted(role) and not one.is_price
        )
    else:
        yield from (one for one in left if one.is_id and one.repeats and one.hinted(role))
    if role == "user":
        yield from (one for one in left if one.is_id and _SECONDARY.search(one.name.casefold()))


def _by_value(role: str, left: Sequence[Column]) -> Iterator[Column]:
    """Those that repeat, but for types of events; small integers and fractions are weights before they are ids."""
    if role == "weight":
        yield from (one for one in left if (one.is_grade or one.like == "numbers") and not one.is_price)
    else:
        yield from (
            one for one in left if one.is_id and not one.kinds and not one.is_grade and one.repeats and (role == "item" or not one.lists)
        )


def _weighed(event: Column) -> str:
    weights = ",".join(f"{kind}=1" for kind in event.kinds)
    return f"--event-column {shlex.quote(event.name)} --event-weights {shlex.quote(weights)}"
