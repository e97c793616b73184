"""Outcomes: click-through and conversion of what was shown, with intervals, and with what the ranks alone would have made of it.

An item at rank 1 is clicked more often than the same item at rank 10. So figures are told twice: as they are, and as the ratio of the
events to those expected at the same ranks, by the rates of all that was shown at each rank (clicks over expected clicks). That corrects
for position where the effect of a rank is a factor, the same for whoever is compared; and since the rates of ranks are those of lists that
were good at their heads, it takes part of the goodness of an order for position. It compares items of one rank with each other, fairly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from contract.errors import SettingsError
from contract.formats.manifest import IdType
from contract.formats.outcomes.report import WAYS, Outcomes, Row, Table
from contract.settings.settings import Settings
from contract.text import utc_text
from trainer.items.users import read_segments
from trainer.outcomes.intervals import rate_of
from trainer.outcomes.tally import CLICKS, CONVERSIONS, day_before, tally


def outcomes(settings: Settings, now: datetime, days: int, tables: Sequence[Sequence[str]], id_type: IdType | None) -> Outcomes:
    """Of the last `days` days, of which today is one; a table for each of `tables`, which name ways to tell apart.

    `id_type`: of users' ids. Raises SettingsError where segments are asked for and nothing tells them, DataError for a bad users' file.
    """
    since = day_before(now, days)
    found = tally(settings, since, now, _segments(settings, tables, id_type))
    by_rank = _with_expected(found.counts)
    return Outcomes(
        at=utc_text(now),
        since=since.date().isoformat(),
        window_s=settings.outcomes_window_s,
        share=settings.impressions,
        lists=found.lists,
        shown=int(found.counts["shown"].sum()),
        open=found.open,
        events=found.events,
        tables=[Table(ways=list(ways), rows=_rows(by_rank, ways)) for ways in tables],
    )


def _segments(settings: Settings, tables: Sequence[Sequence[str]], id_type: IdType | None) -> Mapping[str, str]:
    if not any("segment" in ways for ways in tables):
        return {}
    if not settings.users:
        raise SettingsError("segment: nothing tells the segments of users: name the users' table in LARDER_USERS")
    return read_segments(settings.users, settings.source, id_type).of


def _with_expected(counts: pl.DataFrame) -> pl.DataFrame:
    """With how many clicks and conversions all that was shown at the same rank would have had, each by the mean of them all."""
    curve = counts.group_by("rank").agg(pl.col(what).sum() / pl.col("shown").sum() for what in (CLICKS, CONVERSIONS))
    joined = counts.join(curve, on="rank", suffix="_rate")
    return joined.with_columns((pl.col("shown") * pl.col(f"{what}_rate")).alias(f"{what}_expected") for what in (CLICKS, CONVERSIONS))


def _rows(counts: pl.DataFrame, ways: Sequence[str]) -> list[Row]:
    """In the order of the names; a rank's is its number. By ranks alone there is nothing to correct."""
    sums = ("shown", CLICKS, CONVERSIONS, f"{CLICKS}_expected", f"{CONVERSIONS}_expected")
    grouped = counts.group_by(ways).agg(pl.col(name).sum() for name in sums).sort(ways)
    corrects = list(ways) != ["rank"]
    rows = []
    for *names, shown, clicks, conversions, clicks_expected, conversions_expected in grouped.iter_rows():
        rates = [
            rate_of(n, shown, expected if corrects else None)
            for n, expected in ((clicks, clicks_expected), (conversions, conversions_expected))
        ]
        rows.append(Row(names=[str(name) for name in names], shown=shown, clicks=rates[0], conversions=rates[1]))
    return rows


def ways_of(text: str) -> tuple[str, ...]:
    """Names with commas between. Raises SettingsError for one that is none, or stands twice."""
    ways = tuple(word.strip() for word in text.split(",") if word.strip())
    if not ways or set(ways) - set(WAYS) or len(set(ways)) != len(ways):
        raise SettingsError(f"--by {text}: expected {', '.join(WAYS)}, each once at the most, with commas between")
    return ways
