"""The source `events:`: what POST /events has taken and the trainer service has written, each event once by its id.

Alone, or behind another source: `--interactions sales.parquet --interactions events:`, as one setting `sales.parquet,events:`.

An event weighs what it says; else what LARDER_EVENT_WEIGHTS says of its type, where that is set; else 1, or -1 where its type says that
the item was not liked (contract/formats/events.py). What was only shown is no interaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.formats.events import DISLIKES, SHOWN
from contract.settings.settings import SourceSettings
from contract.store.streams.stream import NOTHING
from trainer.events.files import id_of, read_all
from trainer.kept.packed import Packed
from trainer.rows.problems import Problems
from trainer.sources.values.convert import UNKNOWN_EVENT

COLUMNS = ("event_id", "user_id", "item_id", "type", "time", "weight")
REPEATED = "an event_id that came before"
ONLY_SHOWN = "an item that was shown and no more"


@dataclass(frozen=True, slots=True)
class EventRows:
    """`frame`: user, item, weight, time; event, where there is a target. `last`: the id of the newest event that was read, in the stream.
    `dropped`: by reason."""

    frame: pl.DataFrame
    last: str
    n_read: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


def read(folder: Path, source: SourceSettings) -> EventRows:
    """Every event in the folder. Raises DataError for a type without a weight, where `unknown_events` says so."""
    parts = list(read_all(folder, COLUMNS))
    if not parts:
        schema = {"user": pl.String, "item": pl.String, "weight": pl.Float64, "time": pl.Int64}
        return EventRows(pl.DataFrame(schema=schema), NOTHING)
    last = max((part["stream_id"][-1] for part in parts if part.height), key=id_of, default=NOTHING)
    events = pl.concat(parts)
    n_read = events.height
    once = events.unique("event_id", keep="first", maintain_order=True)
    dropped = Counter({REPEATED: n_read - once.height})
    done = once.filter(~pl.col("type").is_in(SHOWN))
    dropped[ONLY_SHOWN] = once.height - done.height
    weighed = done.with_columns(_weight(source).alias("weight"))
    if n_unknown := weighed["weight"].null_count():
        if source.unknown_events == "error":
            kinds = ", ".join(map(repr, weighed.filter(pl.col("weight").is_null())["type"].unique().sort().head(3)))
            raise DataError(f"events: {n_unknown:,} events are of types that LARDER_EVENT_WEIGHTS does not name, such as {kinds}")
        dropped[UNKNOWN_EVENT] = n_unknown
    types = {"event": "type"} if source.target else {}
    frame = weighed.drop_nulls("weight").select(user="user_id", item="item_id", weight="weight", time="time", **types)
    return EventRows(frame, last, n_read, {reason: n for reason, n in dropped.items() if n})


def behind(others: Iterable[pl.DataFrame | Packed], found: EventRows, problems: Problems) -> Iterator[pl.DataFrame | Packed]:
    """The frames of another source, then the events: without their times, where the other ones have none.

    Events are counted in `problems` once the other source has been read, whose rows are counted there, too.
    """
    events = found.frame
    for frame in others:
        yield frame
        if "time" not in frame.columns and "time" in events.columns:
            events = events.drop("time")
    problems.n_rows += found.n_read
    problems.dropped.update(found.dropped)
    if events.height:
        yield events


def _weight(source: SourceSettings) -> pl.Expr:
    kind, known = pl.col("type"), source.weights_by_event
    if known:
        by_type = kind.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Float64)
    else:
        by_type = pl.when(kind.is_in(DISLIKES)).then(-1.0).otherwise(1.0)
    return pl.coalesce(pl.col("weight"), by_type)
