"""What the first rows of a column hold: of which kind the values are, how many differ, from where to where."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Table
from trainer.sources.values.times import clock_for, present

FEW_ROWS = 20  # of fewer, nothing is said
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
_PRICE = re.compile(r"price|cost|fare|(^|[_ ])(fee|eur|usd|gbp|zip|age|lat|lon|latitude|longitude)($|[_ ])")
"""What tells of an item or a place, and not of how much a user likes it."""
_LIST = r"^\s*\[.*\]\s*$"


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
    lists: bool = False
    """Whether each value is a list."""

    @property
    def words(self) -> str:
        span = f", {self.low} to {self.high}" if self.like != "texts" else f", such as {self.low}"
        return f"{self.name}: {self.distinct:,} different {self.like} in {self.n:,} rows{span}"

    def hinted(self, role: str) -> bool:
        return bool(HINTS[role].search(self.name.casefold()))

    @property
    def is_price(self) -> bool:
        return bool(_PRICE.search(self.name.casefold()))

    @property
    def repeats(self) -> bool:
        return self.lists or self.distinct < self.n

    @property
    def is_grade(self) -> bool:
        return self.like == "integers" and 1 < self.distinct <= GRADES and len(self.low) <= 2 and len(self.high) <= 3

    @property
    def is_id(self) -> bool:
        return self.like in ("integers", "texts") and self.distinct > 1


def look(name: str, table: Table, source: SourceSettings) -> Column | None:
    values = present(table.sample(name), source)
    listed = isinstance(values.dtype, pl.List)
    if len(values) < FEW_ROWS or (values.dtype.is_nested() and not listed) or values.dtype == pl.Binary:
        return None
    texts = pl.Series(name, [str(one) for one in values.to_list()]) if listed else values.cast(pl.String)
    if listed or texts.str.contains(_LIST).all():
        return Column(name, "texts", len(texts), texts.n_unique(), texts[0][:LONGEST_ID], "", (), lists=True)
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
        if (not numeric or HINTS["time"].search(name.casefold()) or numbers.min() > 3e8) and _are_times(values, source):  # type: ignore[operator]
            return "times"
    except DataError:
        pass
    if not numeric:
        return "texts"
    return "integers" if texts.str.strip_chars().str.contains(r"^-?\d+$").all() else "numbers"


def _are_times(values: pl.Series, source: SourceSettings) -> bool:
    clock = clock_for(values, source, "")
    return clock.modern and 2 * clock.n_read(values) > len(values)


def _shown(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
