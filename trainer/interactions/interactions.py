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
from trainer.interactions.cleaning import Events, clean, compacted
from trainer.interactions.dislikes import Pairs, take_out
from trainer.interactions.external_ids import index
from trainer.interactions.good_rows import Columns
from trainer.interactions.id_types import IdTypes
from trainer.interactions.indexing import by_bucket, concatenated, moved
from trainer.interactions.limits import IN_FUTURE, MAX_WEIGHT
from trainer.interactions.targets import Targets
from trainer.kept.packed import Packed
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
    frames: Iterable[pl.DataFrame | Packed],
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
    dropped = Counter[str]() if dropped is None else dropped
    columns = Columns(source, dropped, policy is not None and policy.negative == "seen", targets)
    for frame in frames:
        columns.add(frame)
    if not columns.weights:
        counts = ", ".join(f"{n:,} with {reason}" for reason, n in dropped.items() if n)
        ahead = dropped and 2 * dropped[IN_FUTURE] > dropped.total()
        clock = f"; the clock of this machine says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC" if ahead else ""
        n_rows = max(columns.n_rows, dropped.total())
        raise DataError(f"{source}: no interaction is left of {n_rows:,} rows{': ' if counts else ''}{counts}{clock}")
    columns.settle(ids or IdTypes(Problems(dropped=dropped)))
    weight = concatenated(columns.weights, np.float32)
    if (heaviest := float(weight.max())) > MAX_WEIGHT:
        raise DataError(f"{source}: a weight is {heaviest:g}; weights above {MAX_WEIGHT:g} can't be told apart in float32: rescale them")
    item_ids, item = index(columns.items, source)
    user_ids, user = index(columns.users, source)
    time = concatenated(columns.times, np.int64) if columns.times else None
    events = Events(user, item, weight, time, targets.whole(source) if targets else None)
    n_before, disliked = weight.size, None
    del user, item, weight, time, columns
    if policy is not None:
        events, disliked = take_out(events, policy.duplicates, dropped)
        events = clean(events, policy, dropped, source)
        if events.weight.size < n_before:
            used_users, events.user = compacted(events.user, len(user_ids))
            used_items, events.item = compacted(events.item, len(item_ids))
            disliked = disliked and disliked.among(used_users, used_items)
            user_ids, item_ids = _only(user_ids, used_users), _only(item_ids, used_items)
    everyone = np.arange(len(user_ids), dtype=np.int32)
    user_ids, places, bucket_ends = by_bucket(user_ids, everyone)
    user_idx, disliked = moved(events.user, places), disliked and disliked.moved(places)
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
