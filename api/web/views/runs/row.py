"""A line of a comparison: its numbers as they are, and how people read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from api.web.views.formats import difference, duration, figure, moment, number, setting, signed
from api.web.views.tables.csv_text import Cell

Word = Literal["better", "worse", "no clear difference", ""]


@dataclass(frozen=True, slots=True)
class Unit:
    """`show`: a value for people. `decimals`: of a change; None where a change says nothing."""

    show: Callable[[Any], str]
    decimals: int | None = None


MEASURE = Unit(figure, 4)
COUNT = Unit(number, 0)
SECONDS = Unit("{:.1f}".format, 1)
AGE = Unit(duration)
MOMENT = Unit(moment)
SETTING = Unit(setting)


@dataclass(frozen=True, slots=True)
class Texts:
    before: str
    after: str
    change: str
    interval: str
    n: str


@dataclass(frozen=True, slots=True)
class Row:
    """`low`, `high`: between which the change is, with 95 %; None where nobody can tell. `n`: users."""

    name: str
    before: Cell
    after: Cell
    unit: Unit
    low: float | None = None
    high: float | None = None
    word: Word = ""
    n: int | None = None

    @property
    def change(self) -> float | None:
        """None of texts, and where it says nothing."""
        found = self._numbers()
        return None if found is None else found[1] - found[0]

    @property
    def texts(self) -> Texts:
        found, sure = self._numbers(), self.low is not None and self.high is not None
        return Texts(
            before=self.unit.show(self.before),
            after=self.unit.show(self.after),
            change="" if found is None else difference(*found, self.unit.decimals or 0),
            interval=f"{signed(self.low or 0, '+.4f')} to {signed(self.high or 0, '+.4f')}" if sure else "",
            n="" if self.n is None else number(self.n),
        )

    def _numbers(self) -> tuple[float, float] | None:
        before, after = self.before, self.after
        if self.unit.decimals is None or not (isinstance(before, int | float) and isinstance(after, int | float)):
            return None
        return before, after
