"""What became of what was shown: figures that the trainer makes, and that commands and pages show."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

WAYS = ("generation", "arm", "rank", "segment", "day")
"""By what items that were shown can be told apart."""


class Interval(BaseModel):
    """A figure, and where it lies with 95 % confidence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    value: float
    low: float
    high: float


class Rate(BaseModel):
    """`n` of the items shown had such an event. `corrected`: n to what the ranks alone would make of them; None where that says nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    n: int
    rate: Interval
    corrected: Interval | None = None


class Row(BaseModel):
    """Of what was shown under `names`, in the order of the table's ways."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    names: list[str]
    shown: int
    clicks: Rate
    conversions: Rate


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    ways: list[str]
    rows: list[Row]


class EventCounts(BaseModel):
    """Clicks and conversions since the first day: which belong to an item that was shown, and by what; and what else came, by type."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by_request: int = 0
    by_window: int = 0
    of_nothing: int = 0
    clicks: dict[str, int] = {}
    conversions: dict[str, int] = {}
    ignored: dict[str, int] = {}


class Outcomes(BaseModel):
    """`since`, `at`: the first day and the moment; `open`: items shown so late that what becomes of them is not known yet."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: str
    since: str
    window_s: int
    share: float
    lists: int
    shown: int
    open: int
    events: EventCounts
    tables: list[Table]

    @classmethod
    def read(cls, raw: bytes | str) -> Self | None:
        """None for a record of another version's form."""
        try:
            return cls.model_validate_json(raw)
        except ValidationError:
            return None
