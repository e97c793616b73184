"""Which columns could be user, item, weight and time where their names say nothing: by what the first rows hold, as a command to copy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from contract.errors import DataError
from contract.settings.called import as_called
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Table
from trainer.rows.problems import NoNamesError
from trainer.sources.tables.columns import KNOWN_NAMES, plain_name
from trainer.sources.tables.open import open_table
from trainer.sources.values.times import clock_for, present

FEW_ROWS = 20  # of fewer, nothing is said
MOST_COLUMNS = 100  # of a table that is wider, nothing is said
KINDS = 8  # distinct texts that may be types of events
GRADES = 20  # distinct small integers that are more likely weights than ids
LONGEST_ID = 128
HINTS = {
    "user": re.compile(
        r"user|cust|member|client|visitor|account|person|people|player|author|reader|buyer|shopper|patient|student|session|owner"
    ),
    "item": re.compile(
        r"item|prod|article|movie|film|book|song|track|artist|game|place|story|page|url|course|recipe|event|stock|sku|title|post"
    ),
    "weight": re.compile(r"rating|score|stars|weight|hours|plays|count|quant|qty|amount|duration|watch|clicks|views|likes|points"),
    "time": re.compile(r"time|date|day|when|created|stamp|(^|_)(at|ts)$"),
}
_READING = ("separator", "encoding", "sql_query", "sql_table", "time_format", "time_unit", "missing")
_SECONDARY = re.compile(r"transaction|order|invoice|basket|ticket|receipt|trip|visit")
"""What stands for a user where nobody is named: what was bought together."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the first rows hold. `like`: integers, numbers, texts or times."""

    name: str
    like: str
    n: int
    distinct: int
    low: str
    high: str
    kinds: tuple[str, ...]

    @property
    def words(self) -> str:
        span = f", {self.low} to {self.high}" if self.like != "texts" else f", such as {self.low}"
        return f"{self.name}: {self.distinct:,} different {self.like} in {self.n:,} rows{span}"

    def hinted(self, role: str) -> bool:
        return bool(HINTS[role].search(self.name.casefold()))

    @property
    def is_grade(self) -> bool:
        return self.like == "integers" and 1 < self.distinct <= GRADES and len(self.low) <= 2 and len(self.high) <= 3

    @property
    def is_id(self) -> bool:
        return self.like in ("integers", "texts") and self.distinct > 1


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
        columns = [column for name in table.names if name and (column := _look(name, table, source))]
    except DataError:  # what is damaged further on
        return None
    chosen = _chosen(columns, source)
    if not {"user", "item"} <= chosen.keys():
        return None
    options = [*_given(source), *([] if header else ["--no-header"])]
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


def _opened(source: SourceSettings) -> tuple[Table | None, bool]:
    try:
        return open_table(source.interactions, source), source.header
    except NoNamesError:
        try:
            return open_table(source.interactions, source.model_copy(update={"header": False})), False
        except DataError:
            return None, False
    except DataError:
        return None, False


def _look(name: str, table: Table, source: SourceSettings) -> Column | None:
    values = present(table.sample(name), source)
    if len(values) < FEW_ROWS or values.dtype.is_nested() or values.dtype == pl.Binary:
        return None
    texts = values.cast(pl.String)
    if texts.str.len_bytes().mean() > LONGEST_ID:  # type: ignore[operator]
        return None
    n, distinct, like = len(values), values.n_unique(), _like(values, texts, name, source)
    ends = values if values.dtype != pl.String or like in ("texts", "times") else texts.cast(pl.Float64, strict=False).drop_nulls()
    low, high = (texts[0], "") if like == "texts" else (_shown(ends.min()), _shown(ends.max()))
    kinds = tuple(sorted(texts.unique().to_list())) if like == "texts" and 1 <= distinct <= KINDS and distinct < n / 10 else ()
    wordy = kinds if all(re.fullmatch(r"[A-Za-z][\w \-]{0,30}", kind) for kind in kinds) else ()
    return Column(name, like, n, distinct, low, high, wordy)


def _like(values: pl.Series, texts: pl.Series, name: str, source: SourceSettings) -> str:
    numbers = texts.str.strip_chars().cast(pl.Float64, strict=False)
    numeric = numbers.null_count() == 0
    try:
        if (not numeric or HINTS["time"].search(name.casefold()) or numbers.min() > 3e8) and clock_for(values, source, "").modern:  # type: ignore[operator]
            return "times"
    except DataError:
        pass
    if not numeric:
        return "texts"
    return "integers" if texts.str.strip_chars().str.contains(r"^-?\d+$").all() else "numbers"


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
        yield from (one for one in left if one.like in ("integers", "numbers") and one.distinct > 1 and one.hinted(role))
    else:
        yield from (one for one in left if one.is_id and one.hinted(role))
    if role == "user":
        yield from (one for one in left if one.is_id and _SECONDARY.search(one.name.casefold()))


def _by_value(role: str, left: Sequence[Column]) -> Iterator[Column]:
    """Those that repeat, but for types of events; small integers and fractions are weights before they are ids."""
    if role == "weight":
        yield from (one for one in left if one.is_grade or one.like == "numbers")
    else:
        yield from (one for one in left if one.is_id and not one.kinds and not one.is_grade and one.distinct < one.n)


def _weighed(event: Column) -> str:
    weights = ",".join(f"{kind}=1" for kind in event.kinds)
    return f"--event-column {shlex.quote(event.name)} --event-weights {shlex.quote(weights)}"


def _shown(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
