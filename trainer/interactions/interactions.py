"""Interactions: validated, indexed columns of equal length, with their external ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.formats.keys import Id
from contract.settings.settings import CleaningSettings
from contract.text import utc_text
from engine.arrays import Array
from engine.models.content import Features
from trainer.interactions.cleaning import Events, clean, renumbered
from trainer.interactions.dislikes import Pairs, take_out
from trainer.interactions.external_ids import index, typed
from trainer.interactions.id_types import IdTypes
from trainer.interactions.indexing import by_bucket, joined
from trainer.interactions.limits import IN_FUTURE, MAX_WEIGHT, TIMES
from trainer.interactions.targets import Targets
from trainer.rows.problems import Problems


@dataclass(frozen=True, slots=True)
class Interactions:
    """Events of users with items.

    user_ids are in the order of user_idx: by bucket, then by id, so that a range of users is a range of whole buckets.
    item_ids are sorted. user_idx, item_idx int32; weight float32, positive; time int64 epoch seconds, or None. disliked: what these users
    have met and did not like of these items, if anything; no part of the other columns.
    """

    source: str
    user_ids: Sequence[Id]
    item_ids: Sequence[Id]
    bucket_ends: Array
    user_idx: Array
    item_idx: Array
    weight: Array
    time: Array | None
    dropped: Mapping[str, int]
    reading: Mapping[str, Any] = field(default_factory=dict)
    """How the source was read, for the manifest: rows, columns, what was assumed (trainer/sources/load.py)."""

    disliked: Pairs | None = None
    content: Features | None = None
    """What is known of item_ids, among which there are then some that nobody has met (trainer/items/new_items.py)."""
    target: Array | None = None
    """bool, which events are those that are recommended and measured, at least one; None: all are."""

    @property
    def data_until(self) -> str | None:
        if self.time is None:
            return None
        return utc_text(datetime.fromtimestamp(int(self.time.max()), UTC))


def from_frames(
    frames: Iterable[pl.DataFrame],
    source: str,
    policy: CleaningSettings | None = None,
    dropped: Counter[str] | None = None,
    ids: IdTypes | None = None,
    targets: Targets | None = None,
) -> Interactions:
    """Validate and index frames with the columns user, item, weight (a number) and, optionally, time (epoch seconds, or a date type).

    Rows without a value, or without a weight that is finite and positive in float32, are dropped and counted, beside what reading
    the frames counts in `dropped`; then `policy` is applied. Raises DataError when nothing is left, and for weights and times that
    can't be what they are said to be. With `targets`, frames have the column event, a text. A frame is let go when the next one comes, so
    that a large file need never be in memory whole.
    """
    n_rows, dropped = 0, Counter[str]() if dropped is None else dropped
    users: list[pl.Series] = []
    items: list[pl.Series] = []
    weights: list[Array] = []
    times: list[Array] = []
    for frame in frames:
        n_rows += frame.height
        kept = _clean(frame, dropped, keep_disliked=policy is not None and policy.negative == "seen")
        if kept.is_empty():
            continue
        users.append(typed(kept["user"]))
        items.append(typed(kept["item"]))
        weights.append(kept["weight"].to_numpy())
        if targets:
            targets.add(kept, source)
        if "time" in kept.columns:
            _check_times(kept["time"], source)
            times.append(kept["time"].cast(pl.Int64).to_numpy())
    if not weights:
        counts = ", ".join(f"{n:,} with {reason}" for reason, n in dropped.items() if n)
        ahead = dropped and 2 * dropped[IN_FUTURE] > dropped.total()
        clock = f"; the clock of this machine says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC" if ahead else ""
        raise DataError(f"{source}: no interaction is left of {max(n_rows, dropped.total()):,} rows{': ' if counts else ''}{counts}{clock}")
    ids = ids or IdTypes(Problems(dropped=dropped))
    for role, parts, others in (("user", users, items), ("item", items, users)):
        if kept_rows := ids.settle(role, parts):
            others[:] = [part.filter(rows) for part, rows in zip(others, kept_rows, strict=True)]
            weights, times = (
                [part[rows.to_numpy()] for part, rows in zip(column, kept_rows, strict=True)] if column else []
                for column in (weights, times)
            )
            if targets:
                targets.keep(kept_rows)
    weight = joined(weights)
    if (heaviest := float(weight.max())) > MAX_WEIGHT:
        raise DataError(f"{source}: a weight is {heaviest:g}; weights above {MAX_WEIGHT:g} can't be told apart in float32: rescale them")
    item_ids, item = index(items, source)
    user_ids, user = index(users, source)
    events = Events(user, item, weight, joined(times) if times else None, targets.whole(source) if targets else None)
    n_before, disliked = weight.size, None
    del user, item, weight
    if policy is not None:
        events, disliked = take_out(events, policy.duplicates, dropped)
        events = clean(events, policy, dropped, source)
        if events.weight.size < n_before:
            used_users, events.user = renumbered(events.user, len(user_ids))
            used_items, events.item = renumbered(events.item, len(item_ids))
            disliked = disliked and disliked.among(used_users, used_items)
            user_ids, item_ids = _only(user_ids, used_users), _only(item_ids, used_items)
    everyone = np.arange(len(user_ids), dtype=np.int32)
    user_ids, places, bucket_ends = by_bucket(user_ids, everyone)
    user_idx, disliked = places[events.user], disliked and disliked.moved(places)
    return Interactions(
        source=source,
        user_ids=user_ids,
        item_ids=item_ids,
        bucket_ends=bucket_ends,
        user_idx=user_idx,
        item_idx=events.item,
        weight=events.weight,
        time=events.time,
        dropped={reason: n for reason, n in dropped.items() if n},
        disliked=disliked,
        target=events.target,
    )


def _only(ids: Sequence[Id], used: Array) -> Sequence[Id]:
    return ids if used.size == len(ids) else [ids[at] for at in used.tolist()]


def from_frame(frame: pl.DataFrame, source: str) -> Interactions:
    """`from_frames` of one frame."""
    return from_frames([frame], source)


def _clean(frame: pl.DataFrame, dropped: Counter[str], *, keep_disliked: bool) -> pl.DataFrame:
    """The rows that can be used, with weight as float32; counts the others. `keep_disliked`: those of 0 or less can be."""
    if frame.schema["weight"] == pl.Float32 and not any(column.null_count() for column in frame):
        lightest = frame["weight"].to_numpy().min(initial=np.inf)  # NaN if any is
        if (
            (lightest > 0 or (keep_disliked and lightest > -np.inf))
            and frame["weight"].is_finite().all()
            and ("time" not in frame.columns or frame.schema["time"].is_integer())
        ):
            return frame  # as trainer/sources/values/convert.py gives them
    if "time" in frame.columns:
        frame = frame.with_columns(_epoch_seconds(frame["time"]))
    complete = frame.drop_nulls() if any(column.null_count() for column in frame) else frame
    as_float32 = complete.with_columns(pl.col("weight").cast(pl.Float32))
    weight = complete["weight"].cast(pl.Float64)
    good = weight.is_finite() & ((as_float32["weight"] > 0) | ((weight <= 0) & keep_disliked))
    kept = as_float32 if good.all() else as_float32.filter(good)
    dropped["missing value"] += frame.height - complete.height
    dropped["weight not positive"] += complete.height - kept.height
    return kept


def _epoch_seconds(times: pl.Series) -> pl.Series:
    """Epoch seconds, null for what is not finite."""
    if times.dtype.is_integer():
        return times
    seconds = (times.dt.epoch("s") if times.dtype.is_temporal() else times).cast(pl.Float64)
    return pl.select(pl.when(seconds.is_finite()).then(seconds).alias(times.name)).to_series()


def _check_times(seconds: pl.Series, source: str) -> None:
    values = seconds.to_numpy()
    earliest, latest = float(values.min()), float(values.max())
    if earliest < TIMES[0] or latest > TIMES[1]:
        wrong = latest if latest > TIMES[1] else earliest
        raise DataError(
            f"{source}: a time is {wrong:.15g}, outside the years 1 to 9999; times are epoch seconds: divide milliseconds by 1000"
        )
