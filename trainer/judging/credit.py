"""Whose picks users take, while two lists are interleaved: each user once, by the first list that was shown and the window after it.

A user for whom more picks of one arm count than of the other is won by that arm; who takes as many of both, or none, is won by nobody.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from contract.experiments.definition import CURRENT, Experiment
from contract.settings.settings import Settings
from trainer.events.files import read_all
from trainer.events.kinds import IMPRESSIONS
from trainer.judging.days import DAY_MS, closed_days, closes_ms
from trainer.judging.trials import What, check, done
from trainer.sequential.signs import Won

_SHOWN = pl.Schema(
    {"user_id": pl.String(), "time_ms": pl.Int64(), "request_id": pl.String(), "arm": pl.String(), "item_ids": pl.List(pl.String())}
)


def won(settings: Settings, experiment: Experiment, what: What, now: datetime) -> list[Won]:
    """Users whom `current` won, and whom the other arm did, day by day. Raises as `trials`."""
    check(settings, experiment, now)
    n_days, window_ms = closed_days(settings, experiment, now), settings.outcomes_window_s * 1000
    day = ((pl.col("time_ms") - experiment.began_at_ms) // DAY_MS).alias("day")
    closed = _first_lists(settings, experiment).with_columns(day).filter(pl.col("day") < n_days)
    picks = closed.explode("item_ids").rename({"item_ids": "item_id"})
    taken = picks.join(done(settings, what, experiment.began_at_ms, closed), on=["user_id", "item_id"]).filter(
        (pl.col("done_ms") >= pl.col("time_ms") // 1000 * 1000)
        & (pl.col("done_ms") <= pl.col("time_ms") + window_ms)
        & (pl.col("came_ms") <= closes_ms(settings, experiment, 0) + pl.col("day") * DAY_MS)
    )
    sign = pl.when(pl.col("arm") == CURRENT).then(-1).otherwise(1)
    credit = taken.unique(["user_id", "item_id"]).group_by("user_id", "day").agg(sign.sum().alias("credit"))
    by_day = credit.group_by("day").agg((pl.col("credit") < 0).sum().alias("first"), (pl.col("credit") > 0).sum().alias("second"))
    found = [Won()] * n_days
    for at, first, second in by_day.select("day", "first", "second").iter_rows():
        found[at] = Won(first, second)
    return found


def _first_lists(settings: Settings, experiment: Experiment) -> pl.DataFrame:
    """Of each user both parts of the first list."""
    began_ms, found = experiment.began_at_ms, pl.DataFrame(schema=_SHOWN)
    for frame in read_all(IMPRESSIONS.folder(settings.artifacts), list(_SHOWN), f"{began_ms}-0"):
        seen = frame.select(*_SHOWN).filter((pl.col("time_ms") >= began_ms) & pl.col("arm").is_in(experiment.names))
        found = pl.concat([found, seen])
        first = (
            found.sort("time_ms", "request_id")
            .unique("user_id", keep="first", maintain_order=True)
            .select("user_id", "request_id", "time_ms")
        )
        found = found.join(first, on=["user_id", "request_id", "time_ms"], how="semi")
    return found
