"""A table of a database that only grows, in slices of the column that grows: each can be kept, but for the newest rows.

A slice has the rows from `low` to before `high`. Rows with the greatest value so far are in no slice that is kept: more of them may come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol, TypeGuard

from contract.errors import DataError
from trainer.rows.batches import Batch, Table, Within
from trainer.rows.problems import Problems

MOST = 400  # slices: one a night, for a year
_KINDS: dict[str, Any] = {
    **{kind.__name__: kind for kind in (int, float, str, Decimal)},
    **{kind.__name__: kind.fromisoformat for kind in (datetime, date, time)},
}
Bound = tuple[str, str] | None
"""A value as JSON has it: its type, and a text."""


class Growing(Table, Protocol):
    """`since`: the column that grows."""

    since: str

    def between(
        self, low: Any, high: Any, columns: Mapping[str, str], problems: Problems, first_row: int = 1, *, nulls: bool = True
    ) -> Iterator[Batch]:
        """The rows from `low` to before `high`, as `batches` gives all. `nulls`: and those without a value."""
        ...

    def extent(self, low: Any, high: Any) -> tuple[int, Any, Any]:
        """How many these are, and the least and the greatest value among them."""
        ...


def grows(table: Table) -> TypeGuard[Growing]:
    return bool(getattr(table, "since", ""))


def bound_of(value: Any, table: Growing) -> Bound:
    """Raises DataError for a value of another type."""
    if value is None:
        return None
    kind = type(value).__name__
    if kind not in _KINDS or isinstance(value, bool):
        raise DataError(
            f"{table.where}: column {table.since!r} (--since-column) holds {kind} where numbers, times or texts that grow are needed"
        )
    return kind, value.isoformat() if isinstance(value, date | time) else repr(value) if isinstance(value, float) else str(value)


def value_of(bound: Bound) -> Any:
    return None if bound is None else _KINDS[bound[0]](bound[1])


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a slice: its place among the others, its bounds, and what it held."""

    number: int
    low: Bound
    high: Bound
    n: int
    least: Bound
    greatest: Bound

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Kept:
        bounds = {name: None if said[name] is None else (said[name][0], said[name][1]) for name in ("low", "high", "least", "greatest")}
        return cls(number=said["number"], n=said["n"], **bounds)


@dataclass(slots=True)
class Slice(Within):
    """Some rows of a table, as a table of their own. `newest`: those that are not kept, or lack a value; `known`: what is kept."""

    table: Growing
    number: int
    low: Bound
    high: Bound
    newest: bool = False
    known: Kept | None = None
    first_row: int = 1
    named: bool = True

    @property
    def notes(self) -> Sequence[str]:
        return ()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        low, high = value_of(self.low), value_of(self.high)
        yield from self.table.between(low, high, columns, problems, self.first_row, nulls=self.newest)

    def now(self) -> Kept:
        """What it holds now."""
        return Kept(self.number, self.low, self.high, *_extent(self.table, self.low, self.high))


def slices(table: Growing, kept: Sequence[Kept]) -> Iterator[Slice]:
    """A table in slices: those that are `kept`, in their order, what lies between and behind them, and the newest rows."""
    low: Bound = None
    number = -1
    for one in kept:
        if one.low != low:
            yield Slice(table, number + 1, low, one.low)
        yield Slice(table, one.number, one.low, one.high, known=one)
        low, number = one.high, one.number
    n, _, newest = _extent(table, low, None)
    if n and newest != low:
        yield Slice(table, number + 1, low, newest)
        low, number = newest, number + 1
    yield Slice(table, number + 1, low, None, newest=True)


def apart(table: Growing, kept: Sequence[Kept]) -> bool:
    """Whether each begins where the one before it ends, or later. The database compares: it may order texts in its own way."""
    for before, one in pairwise(kept):
        if one.low is None or (one.low != before.high and not _extent(table, before.high, one.low)[0]):
            return False  # or nothing is left between them, which asks for the same
    return True


def changed(table: Growing, kept: Sequence[Kept]) -> str:
    """What tells that rows were changed that are not the newest; "" if nothing does. What is changed in place may go unseen."""
    begin = 0
    for end in range(1, len(kept) + 1):
        if end < len(kept) and kept[end].low == kept[end - 1].high:
            continue
        some = kept[begin:end]
        n, least, greatest = _extent(table, some[0].low, some[-1].high)
        if n != (was := sum(one.n for one in some)):
            return f"{n:,} rows are where {was:,} were"
        filled = [one for one in some if one.n]
        if filled and (least, greatest) != (filled[0].least, filled[-1].greatest):
            return "its least or greatest value there is another one"
        begin = end
    return ""


def _extent(table: Growing, low: Bound, high: Bound) -> tuple[int, Bound, Bound]:
    n, least, greatest = table.extent(value_of(low), value_of(high))
    return n, bound_of(least, table), bound_of(greatest, table)
