"""Users as trials: who was first shown a list of an arm on which day, and did something within a window after it.

Each user counts once, in the arm of the first list, whatever came later: so trials are independent of each other, as the test asks. Days
are counted from the experiment's begin; a day counts once the windows of all its users are over, and is never counted anew:
what comes in later, of whatever time, changes it no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

import polars as pl

from contract.errors import SettingsError
from contract.experiments.definition import Experiment
from contract.formats.events import DISLIKES, SHOWN
from contract.settings.settings import Settings
from trainer.events.files import read_all
from trainer.events.kinds import EVENTS, IMPRESSIONS, STREAM_ID
from trainer.judging.days import DAY_MS, closed_days, closes_ms, too_old
from trainer.judging.ratio import Period

What = Literal["clicks", "conversions"]
_SEEN = pl.Schema({"user_id": pl.String(), "time_ms": pl.Int64(), "arm": pl.String()})
_DONE = pl.Schema({"user_id": pl.String(), "item_id": pl.String(), "done_ms": pl.Int64(), "came_ms": pl.Int64()})


class Trials(NamedTuple):
    """Of one arm and day: users, and those who did something."""

    n: int = 0
    successes: int = 0


class Counted(NamedTuple):
    """Of each arm, day by day; and how many users each arm got while shares were the same."""

    days: dict[str, list[Trials]]
    periods: list[Period]


def trials(settings: Settings, experiment: Experiment, what: What, now: datetime) -> Counted:
    """Raises SettingsError where no impressions are kept, so that nobody knows who was shown what, or not for as long as it has run."""
    check(settings, experiment, now)
    n_days, window_ms = closed_days(settings, experiment, now), settings.outcomes_window_s * 1000
    day = ((pl.col("time_ms") - experiment.began_at_ms) // DAY_MS).alias("day")
    closed = _first_seen(settings, experiment).with_columns(day).filter(pl.col("day") < n_days)
    took = closed.join(done(settings, what, experiment.began_at_ms, closed), on="user_id").filter(
        (pl.col("done_ms") >= pl.col("time_ms") // 1000 * 1000)
        & (pl.col("done_ms") <= pl.col("time_ms") + window_ms)
        & (pl.col("came_ms") <= closes_ms(settings, experiment, 0) + pl.col("day") * DAY_MS)
    )
    counted = closed.with_columns(pl.col("user_id").is_in(took["user_id"].implode()).alias("took"))
    grouped = counted.group_by("arm", "day").agg(pl.len(), pl.col("took").sum())
    found = {arm: [Trials()] * n_days for arm in experiment.names}
    for arm, at, n, successes in grouped.iter_rows():
        found[arm][at] = Trials(n, successes)
    return Counted(found, _periods(experiment, closed))


def check(settings: Settings, experiment: Experiment, now: datetime) -> None:
    """Raises SettingsError where no impressions are kept, or not for as long as it has run."""
    if not settings.impressions and not IMPRESSIONS.folder(settings.artifacts).is_dir():
        raise SettingsError("no impressions are kept, so nobody knows who was shown what: set LARDER_EVENTS=true and LARDER_IMPRESSIONS")
    if why := too_old(settings, experiment, now):
        raise SettingsError(why)


def _periods(experiment: Experiment, closed: pl.DataFrame) -> list[Period]:
    """Of an experiment that an earlier version began: from the first change of shares on that is known."""
    moments = sorted((int(ms), slots) for ms, slots in experiment.slots_from.items())
    found = []
    for at, (ms, slots) in enumerate(moments):
        since = closed.filter(pl.col("time_ms") >= ms)
        seen = since.filter(pl.col("time_ms") < moments[at + 1][0]) if at + 1 < len(moments) else since
        users = dict(seen.group_by("arm").len().iter_rows())
        found.append(Period(slots, users))
    return found


def _first_seen(settings: Settings, experiment: Experiment) -> pl.DataFrame:
    """Each user with the arm of the first list, and when it was shown."""
    began_ms, found = experiment.began_at_ms, pl.DataFrame(schema=_SEEN)
    for frame in read_all(IMPRESSIONS.folder(settings.artifacts), list(_SEEN), f"{began_ms}-0"):
        seen = frame.select(*_SEEN).filter((pl.col("time_ms") >= began_ms) & pl.col("arm").is_in(experiment.names))
        found = pl.concat([found, seen]).sort("time_ms", "arm").unique("user_id", keep="first", maintain_order=True)
    return found


def done(settings: Settings, what: What, began_ms: int, users: pl.DataFrame) -> pl.DataFrame:
    """Which of these users did what counts: at which moments, and when that came in. Nothing else of a file is kept."""
    clicks, named = list(settings.click_types), list(settings.conversion_types)
    kind = pl.col("type")
    converts = kind.is_in(named) if named else ~kind.is_in([*clicks, *DISLIKES, *SHOWN])
    counts = kind.is_in(clicks) if what == "clicks" else converts
    came = pl.col(STREAM_ID).str.split("-").list.first().cast(pl.Int64)
    found = [pl.DataFrame(schema=_DONE)]
    for frame in read_all(EVENTS.folder(settings.artifacts), ("user_id", "item_id", "type", "time"), f"{began_ms}-0"):
        own = frame.filter(counts).join(users, on="user_id", how="semi")
        found.append(own.select("user_id", "item_id", (pl.col("time") * 1000).alias("done_ms"), came.alias("came_ms")))
    return pl.concat(found)
