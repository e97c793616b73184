"""What can be cleaned only when all rows are there: repeated pairs, and users and items with too few or too many interactions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from contract.errors import DataError
from contract.settings.settings import CleaningSettings
from engine.arrays import Array

DUPLICATE = {"last": "earlier interaction of the same pair", "max": "lighter interaction of the same pair"}
FEW_USER = "user with too few interactions"
FEW_ITEM = "item with too few interactions"
ROBOT = "user with too many interactions"


@dataclass(slots=True)
class Events:
    """Columns of equal length: positions of user and item, int32; weight float32; time int64 or None; target bool or None."""

    user: Array
    item: Array
    weight: Array
    time: Array | None
    target: Array | None = None

    def only(self, kept: Array) -> Events:
        time, target = (None if column is None else column[kept] for column in (self.time, self.target))
        return Events(self.user[kept], self.item[kept], self.weight[kept], time, target)


def clean(events: Events, policy: CleaningSettings, dropped: Counter[str], source: str) -> Events:
    """`events` without what the policy leaves out; counts it. Raises DataError when nothing is left.

    In this order: repeated pairs, robots, then items and users with too few, again and again until all have enough.
    """
    if policy.duplicates != "sum" and events.user.size:
        kept = last_rows(events, policy.duplicates)
        dropped[DUPLICATE[policy.duplicates]] += int(events.user.size - kept.size)
        events = events.only(kept)
    if policy.max_user_interactions:
        events = _within(events, "user", 0, policy.max_user_interactions, dropped, ROBOT)
    before = -1
    while before != events.user.size:
        before = events.user.size
        if policy.min_item_interactions > 1:
            events = _within(events, "item", policy.min_item_interactions, None, dropped, FEW_ITEM)
        if policy.min_user_interactions > 1:
            events = _within(events, "user", policy.min_user_interactions, None, dropped, FEW_USER)
    if not events.user.size:
        counts = ", ".join(f"{n:,} with {reason}" for reason, n in dropped.items() if n)
        raise DataError(f"{source}: no interaction is left after cleaning: {counts}")
    if events.target is not None and not events.target.any():
        raise DataError(f"{source}: no event of the target is left after cleaning")
    return events


def last_rows(events: Events, which: str) -> Array:
    """Rows, rising, of the last or the heaviest interaction of every pair; of equals the one that comes later in the source.

    Events of a target are one pair, and those of other types another: a view after a purchase takes nothing of it away.
    """
    pair = events.user.astype(np.int64) * (int(events.item.max()) + 1) + events.item
    if events.target is not None:
        pair = 2 * pair + events.target
    by = events.weight if which == "max" else events.time
    order = np.argsort(pair, kind="stable") if by is None else np.lexsort((by, pair))
    in_order = pair[order]
    ends = np.append(in_order[1:] != in_order[:-1], True)
    return np.sort(order[ends])


def _within(events: Events, side: str, least: int, most: int | None, dropped: Counter[str], reason: str) -> Events:
    positions: Array = getattr(events, side)
    if not positions.size:
        return events
    counts = np.bincount(positions)
    good = (counts >= least) & (counts <= (most or counts.max()))
    kept = good[positions]
    n_bad = int(kept.size - kept.sum())
    if not n_bad:
        return events
    dropped[reason] += n_bad
    return events.only(kept)


def compacted(positions: Array, n: int) -> tuple[Array, Array]:
    """Which of `n` positions still occur, rising, and `positions` among them, int32."""
    used = np.zeros(n, bool)
    used[positions] = True
    if used.all():
        return np.arange(n), positions
    place = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(used), place[positions]
