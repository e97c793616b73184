"""Outcomes for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import rich.table
from rich.markup import escape

from contract.formats.outcomes.report import Interval, Outcomes, Rate, Table

_HOUR_S = 3600


def table_of(table: Table) -> rich.table.Table:
    rates = ("clicks", "%", "corrected", "converted", "%", "corrected")
    made = rich.table.Table(*table.ways, "shown", *rates, title=f"By {', '.join(table.ways)}, with 95 % intervals", title_justify="left")
    for at, column in enumerate(made.columns):
        column.justify, column.no_wrap = "left" if at < len(table.ways) else "right", True
    for row in table.rows:
        names = [escape(name) if name else "-" for name in row.names]
        made.add_row(*names, f"{row.shown:,}", *_cells(row.clicks), *_cells(row.conversions))
    return made


def notes_of(found: Outcomes) -> Iterator[str]:
    """What the figures are of, what was counted how, and what to take into account."""
    if not found.lists:
        yield f"No list that was shown since {found.since} is kept: set LARDER_IMPRESSIONS for the API and the trainer service"
        return
    events = found.events
    yield f"{found.lists:,} lists with {found.shown:,} items were shown from {found.since} to {found.at}"
    yield f"clicks: {_types(events.clicks)}; conversions: {_types(events.conversions)}; neither: {_types(events.ignored)}"
    yield (
        f"{events.by_request:,} of these events belong to an item by their request_id, {events.by_window:,} as what followed within "
        f"{found.window_s / _HOUR_S:g} h, {events.of_nothing:,} to none"
    )
    if events.by_window and 0 < found.share < 1:
        yield (
            "note: events without a request_id belong to the last list in the sample, and the user may have seen a later one that is not: "
            "send request_id, or keep all with LARDER_IMPRESSIONS=1"
        )
    if found.open:
        yield f"note: {found.open:,} items were shown within the last {found.window_s / _HOUR_S:g} h: more may become of them"


def _cells(rate: Rate) -> tuple[str, str, str]:
    corrected = "-" if rate.corrected is None else _interval(rate.corrected)
    return f"{rate.n:,}", _interval(rate.rate, 100), corrected


def _interval(found: Interval, scale: float = 1) -> str:
    value, low, high = (f"{figure * scale:.2f}" for figure in (found.value, found.low, found.high))
    return f"{value}\n{low}\u2013{high}"


def _types(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items()) or "none"
