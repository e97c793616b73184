"""Counts of what was shown and of what became of it, by everything that tells it apart.

Files of impressions are read one by one: kept of each are counts, and the items of pairs of user and item that some event names. So
memory follows the events, of which there are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from contract.formats.events import DISLIKES, SHOWN
from contract.formats.outcomes.report import WAYS, EventCounts
from contract.settings.settings import Settings
from trainer.events.files import read_all
from trainer.events.kinds import EVENTS, IMPRESSIONS
from trainer.outcomes.attribution import AT, EVENT, attribute

CLICKS, CONVERSIONS = "clicks", "conversions"
LISTS_AT_ONCE = 20_000
_MS = 1000
_SHOWN = ("request_id", "time_ms", "user_id", "generation", "arm", "item_ids", "ranks")
_DONE = ("event_id", "request_id", "user_id", "item_id", "type", "time")
_OF_ITEM = [*WAYS, "second", "request_id", "user_id", "item_id"]
_TEXTS = [way for way in WAYS if way != "rank"]


@dataclass(frozen=True, slots=True)
class Tally:
    """`counts`: columns WAYS (rank a number, the others texts), shown, clicks, conversions; one row for each that was shown."""

    counts: pl.DataFrame
    lists: int
    open: int
    events: EventCounts


def tally(settings: Settings, since: datetime, now: datetime, segments: Mapping[str, str]) -> Tally:
    """Of lists that were shown from `since` on, which begins a day in UTC."""
    since_ms = int(since.timestamp() * _MS)
    by_type, done = _done(settings, since_ms)
    pairs = done.select("user_id", "item_id").unique().with_row_index("pair")
    done = done.join(pairs, on=["user_id", "item_id"]).select(EVENT, "request_id", "pair", "second", CLICKS, CONVERSIONS)
    counts, named, n_lists, n_open = [], [], 0, 0
    open_from = int(now.timestamp()) - settings.outcomes_window_s
    n = 0
    for lists in _lists(IMPRESSIONS.folder(settings.artifacts), since_ms, segments):
        n_lists += lists.height
        items = lists.explode("item_ids", "ranks").rename({"item_ids": "item_id", "ranks": "rank"}).select(_OF_ITEM)
        items = items.with_row_index(AT, n).with_columns(pl.col(AT).cast(pl.Int64))
        n += items.height
        n_open += int((items["second"] > open_from).sum())
        counts.append(items.group_by(WAYS).len("shown"))
        known = items.join(pairs, on=["user_id", "item_id"]).drop("user_id", "item_id")
        named.append(known.with_columns(pl.col(_TEXTS).cast(pl.Categorical)))
    if not counts:
        none = pl.DataFrame(schema={way: pl.Int64 if way == "rank" else pl.String for way in WAYS})
        return Tally(_counted([none.with_columns(shown=pl.lit(0))], none, none), 0, 0, by_type)
    shown = pl.concat(named)
    by_request, by_window = attribute(shown, done, settings.outcomes_window_s)
    belongs = pl.concat([by_request, by_window]).join(done, on=EVENT)
    met = [
        shown.join(belongs.filter(pl.col(what)), on=AT, how="semi").with_columns(pl.col(_TEXTS).cast(pl.String))
        for what in (CLICKS, CONVERSIONS)
    ]
    ways = {"by_request": by_request.height, "by_window": by_window.height, "of_nothing": done.height - belongs.height}
    return Tally(_counted(counts, *met), n_lists, n_open, by_type.model_copy(update=ways))


def _counted(counts: list[pl.DataFrame], clicked: pl.DataFrame, converted: pl.DataFrame) -> pl.DataFrame:
    found = pl.concat(counts).group_by(WAYS).agg(pl.col("shown").cast(pl.Int64).sum())
    for what, met in ((CLICKS, clicked), (CONVERSIONS, converted)):
        found = found.join(met.group_by(WAYS).len(what), on=WAYS, how="left").with_columns(pl.col(what).cast(pl.Int64).fill_null(0))
    return found


def _lists(folder: Path, since_ms: int, segments: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """What was shown, some lists after others, with their segments, their days, and their seconds."""
    known = pl.DataFrame(
        {"user_id": list(segments), "segment": list(segments.values())}, schema={"user_id": pl.String, "segment": pl.String}
    )
    for frame in read_all(folder, _SHOWN, f"{since_ms}-0"):
        lists = frame.filter(pl.col("time_ms") >= since_ms).with_columns(
            second=pl.col("time_ms") // _MS, day=pl.from_epoch("time_ms", "ms").dt.date().cast(pl.String)
        )
        for part in lists.iter_slices(LISTS_AT_ONCE):  # a file may hold a million
            yield part.join(known, on="user_id", how="left").with_columns(pl.col("segment").fill_null(""))


def _done(settings: Settings, since_ms: int) -> tuple[EventCounts, pl.DataFrame]:
    """Events since, each once by its id: how many there are of each type; and those that are clicks or conversions."""
    clicks, conversions = settings.click_types, settings.conversion_types
    frames = list(read_all(EVENTS.folder(settings.artifacts), _DONE, f"{since_ms}-0"))
    every = pl.concat(frames) if frames else pl.DataFrame(schema={name: EVENTS.schema[name] for name in _DONE})
    once = every.unique("event_id", keep="first", maintain_order=True)
    kind = pl.col("type")
    converts = kind.is_in(list(conversions)) if conversions else ~kind.is_in([*clicks, *DISLIKES, *SHOWN])
    told = once.with_columns(kind.is_in(list(clicks)).alias(CLICKS), converts.alias(CONVERSIONS), second=pl.col("time"))
    counts = {name: Counter[str]() for name in (CLICKS, CONVERSIONS, "ignored")}
    for name, is_click, converts_, n in told.group_by("type", CLICKS, CONVERSIONS).len().sort("type").iter_rows():
        for what, holds in ((CLICKS, is_click), (CONVERSIONS, converts_), ("ignored", not is_click and not converts_)):
            if holds:
                counts[what][name] += n
    done = (
        told.filter(pl.col(CLICKS) | pl.col(CONVERSIONS)).drop("event_id", "type", "time", "stream_id", strict=False).with_row_index(EVENT)
    )
    return EventCounts(**{name: dict(count) for name, count in counts.items()}), done


def day_before(now: datetime, days: int) -> datetime:
    """The beginning of the first of `days` days, of which today is the last."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return datetime.fromtimestamp(today.timestamp() - (days - 1) * 86_400, UTC)
