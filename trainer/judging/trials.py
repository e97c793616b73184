"""Users as trials: who was first shown a list of an arm on which day, and did something within a window after it.

Each user counts once, in the arm of the first list, whatever came later: so trials are independent of each other, as the test asks. Days
are counted from the experiment's begin; a day counts once the windows of all its users are over, and is never counted again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import polars as pl

from contract.errors import SettingsError
from contract.experiments.definition import Experiment
from contract.formats.events import DISLIKES, SHOWN
from contract.settings.settings import Settings
from trainer.events.files import read_all
from trainer.events.kinds import EVENTS, IMPRESSIONS

What = Literal["clicks", "conversions"]
DAY_MS = 86_400_000
_SEEN = pl.Schema({"user_id": pl.String(), "time_ms": pl.Int64(), "arm": pl.String()})


class Trials(NamedTuple):
    """Of one arm and day: users, and those who did something."""

    n: int = 0
    successes: int = 0


def trials(settings: Settings, experiment: Experiment, what: What, now: datetime) -> dict[str, list[Trials]]:
    """Of each arm, day by day. Raises SettingsError where no impressions are kept, so that nobody knows who was shown what."""
    if not settings.impressions and not IMPRESSIONS.folder(settings.artifacts).is_dir():
        raise SettingsError("no impressions are kept, so nobody knows who was shown what: set LARDER_EVENTS=true and LARDER_IMPRESSIONS")
    now_ms, window_ms = int(now.timestamp() * 1000), settings.outcomes_window_s * 1000
    n_days = max(0, (now_ms - window_ms - experiment.began_at_ms) // DAY_MS)
    first = _first_seen(settings, experiment)
    day = ((pl.col("time_ms") - experiment.began_at_ms) // DAY_MS).alias("day")
    closed = first.with_columns(day).filter(pl.col("day") < n_days)
    took = closed.join(_done(settings, what, experiment.began_at_ms), on="user_id").filter(
        (pl.col("done_ms") >= pl.col("time_ms") // 1000 * 1000) & (pl.col("done_ms") <= pl.col("time_ms") + window_ms)
    )
    counted = closed.with_columns(pl.col("user_id").is_in(took["user_id"].implode()).alias("took"))
    grouped = counted.group_by("arm", "day").agg(pl.len(), pl.col("took").sum())
    found = {arm: [Trials()] * n_days for arm in experiment.names}
    for arm, at, n, successes in grouped.iter_rows():
        found[arm][at] = Trials(n, successes)
    return found


def counts_from(settings: Settings, experiment: Experiment) -> datetime:
    """When the first day counts: once it and the windows of all its users are over."""
    return datetime.fromtimestamp((experiment.began_at_ms + DAY_MS) / 1000 + settings.outcomes_window_s, UTC)


def _first_seen(settings: Settings, experiment: Experiment) -> pl.DataFrame:
    """Each user with the arm of the first list, and when it was shown."""
    began_ms, found = experiment.began_at_ms, pl.DataFrame(schema=_SEEN)
    for frame in read_all(IMPRESSIONS.folder(settings.artifacts), list(_SEEN), f"{began_ms}-0"):
        seen = frame.select(*_SEEN).filter((pl.col("time_ms") >= began_ms) & pl.col("arm").is_in(experiment.names))
        found = pl.concat([found, seen]).sort("time_ms", "arm").unique("user_id", keep="first", maintain_order=True)
    return found


def _done(settings: Settings, what: What, began_ms: int) -> pl.DataFrame:
    """Users with the moments at which they did what counts."""
    columns = ("user_id", "type", "time")
    frames = list(read_all(EVENTS.folder(settings.artifacts), columns, f"{began_ms}-0"))
    every = pl.concat(frames) if frames else pl.DataFrame(schema={name: EVENTS.columns[name] for name in columns})
    clicks, named = list(settings.click_types), list(settings.conversion_types)
    kind = pl.col("type")
    converts = kind.is_in(named) if named else ~kind.is_in([*clicks, *DISLIKES, *SHOWN])
    counts = kind.is_in(clicks) if what == "clicks" else converts
    return every.filter(counts).select("user_id", (pl.col("time") * 1000).alias("done_ms"))
