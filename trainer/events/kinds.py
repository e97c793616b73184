"""What is written to files by day: events, and lists that were shown. Each has a stream that it comes from, a folder, and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import polars as pl
from redis import Redis

from contract.artifacts.artifact import EVENTS_FOLDER, IMPRESSIONS_FOLDER, folder_of
from contract.formats.events import Event, Impression
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.event_stream import events_in
from contract.store.streams.impressions import impressions_in
from contract.store.streams.stream import Stream, T

STREAM_ID = "stream_id"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`row`: an entry as the columns behind that of its id in the stream, of which one is `user_id`."""

    what: str
    folder_name: str
    columns: pl.Schema
    row: Callable[[T], tuple[Any, ...]]
    stream: Callable[[Redis, Keys], Stream[T]]
    keep_days: Callable[[Settings], int]

    def folder(self, artifacts: str) -> Path:
        """Where they lie beside the artifacts of this URL."""
        return folder_of(artifacts) / self.folder_name

    @property
    def schema(self) -> pl.Schema:
        return pl.Schema({STREAM_ID: pl.String(), **self.columns})


def _event(event: Event) -> tuple[Any, ...]:
    return event.event_id, str(event.user_id), str(event.item_id), *event[3:]


def _impression(shown: Impression) -> tuple[Any, ...]:
    return *shown[:2], str(shown.user_id), *shown[3:6], [str(item) for item in shown.item_ids], list(shown.ranks)


EVENTS = Kind(
    "events",
    EVENTS_FOLDER,
    pl.Schema(
        {
            "event_id": pl.String(), "user_id": pl.String(), "item_id": pl.String(), "type": pl.String(), "time": pl.Int64(),
            "weight": pl.Float64(), "request_id": pl.String(), "generation": pl.String(), "rank": pl.Int64(),
        }
    ),
    _event,
    events_in,
    lambda settings: settings.events_keep_days,
)  # fmt: skip

IMPRESSIONS = Kind(
    "impressions",
    IMPRESSIONS_FOLDER,
    pl.Schema(
        {
            "request_id": pl.String(), "time_ms": pl.Int64(), "user_id": pl.String(), "generation": pl.String(), "arm": pl.String(),
            "source": pl.String(), "item_ids": pl.List(pl.String()), "ranks": pl.List(pl.Int64()),
        }
    ),
    _impression,
    impressions_in,
    lambda settings: settings.impressions_keep_days,
)  # fmt: skip

KINDS: tuple[Kind[Any], ...] = (EVENTS, IMPRESSIONS)


def written(settings: Settings) -> list[Kind[Any]]:
    """Events, and impressions where they are kept, or were: what waits in Redis since is written, too."""
    shows = settings.impressions > 0 or IMPRESSIONS.folder(settings.artifacts).is_dir()
    return [EVENTS, IMPRESSIONS] if shows else [EVENTS]
