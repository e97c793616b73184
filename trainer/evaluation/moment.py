"""Held out at one moment of time: the training part ends before it, what comes after it is to be found. No future leaks.

The split per user (holdout.py) lets other users' future into the training part, so that what is popular of late is rated too low, and
it tears baskets apart. Here all of a user's basket that the moment falls into is held out. A user is measured who has events before
and something new after. Where fewer than MIN_USERS remain, each user's latest events are held out in place of it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from engine.arrays import Array
from trainer.evaluation.holdout import HeldOut, baskets, hold_out, lowest_hashes, to_be_found
from trainer.interactions.interactions import Interactions

MIN_USERS = 200
SOME_USERS = 50  # who still say something beside each user's latest events
RATIO = 0.75  # of all events: what lies before the moment
How = Literal["moment", "own last", "stratified"]


class Cut(NamedTuple):
    """`moment`: epoch seconds of the first time that is held out; 0 where it is not a cut in time."""

    how: How
    held: HeldOut
    moment: int = 0


def cut(
    interactions: Interactions, sample_users: int, *, ratio: float = RATIO, min_users: int = MIN_USERS, exclude_seen: bool = True
) -> Cut | None:
    """Hold out for at most `sample_users` measured users; None when nobody has enough events to hold one out.

    Who is measured depends on ids, rows and times alone, in whatever order the rows are. `exclude_seen`: as in `hold_out`.
    """
    if interactions.time is None:
        held = hold_out(interactions, "stratified", sample_users, exclude_seen=exclude_seen)
        return Cut("stratified", held) if held else None
    if interactions.target is not None and not interactions.target.any():  # of a sample of users, it may be
        return None
    moment = _moment(interactions, ratio)
    held = at_moment(interactions, moment, sample_users, exclude_seen)
    if held is not None and np.unique(held.user_idx).size >= min_users:
        return Cut("moment", held, moment)
    late = hold_out(interactions, "time", sample_users, exclude_seen=exclude_seen)
    return Cut("own last", late) if late else None


def cuts(interactions: Interactions, sample_users: int, exclude_seen: bool = True) -> list[Cut]:
    """`cut`; and where that is each user's own latest events, the moment beside it, if SOME_USERS remain there.

    So few users decide nothing alone, but a model that the future does not bear out is not chosen by the past.
    """
    first = cut(interactions, sample_users, exclude_seen=exclude_seen)
    if first is None or first.how != "own last" or interactions.time is None:
        return [first] if first else []
    moment = _moment(interactions, RATIO)
    held = at_moment(interactions, moment, sample_users, exclude_seen)
    few = held is None or np.unique(held.user_idx).size < SOME_USERS
    return [first] if few or held is None else [first, Cut("moment", held, moment)]


def at_moment(interactions: Interactions, moment: int, sample_users: int, exclude_seen: bool = True) -> HeldOut | None:
    """What comes from `moment` on, and the baskets that it falls into, held out; of all users. None where nothing is learned or found."""
    time = interactions.time
    assert time is not None  # noqa: S101 - who cuts in time has times
    kept = _before(interactions.user_idx, time, moment)
    if kept.all() or not kept.any():
        return None
    n_items = len(interactions.item_ids)
    pairs = interactions.user_idx.astype(np.int64) * n_items + interactions.item_idx
    known = np.bincount(interactions.user_idx[kept], minlength=len(interactions.user_ids)) > 0
    is_target = np.ones(kept.size, bool) if interactions.target is None else interactions.target
    late, early = np.unique(pairs[~kept & is_target & known[interactions.user_idx]]), pairs[kept & is_target]
    if not early.size:
        return None
    was_there = np.isin(late, early)
    users = lowest_hashes(interactions, np.unique((late[~was_there] if exclude_seen else late) // n_items), sample_users)
    measured = np.isin(late // n_items, users)
    return to_be_found(interactions, kept, late[measured], was_there[measured], exclude_seen)


def _moment(interactions: Interactions, ratio: float) -> int:
    """Before which that part of the events lies, or of the target's."""
    time = interactions.time
    assert time is not None  # noqa: S101
    if interactions.target is not None:
        time = time[interactions.target]
    return int(np.partition(time, int(ratio * (time.size - 1)))[int(ratio * (time.size - 1))]) + 1


def _before(user_idx: Array, time: Array, moment: int) -> Array:
    """Which events are of the training part: those before `moment`, without the baskets that go on after it."""
    kept: Array = time < moment
    basket = baskets(user_idx, time)
    ends_late = np.zeros(int(basket.max()) + 1, bool)
    ends_late[basket[time >= moment]] = True
    kept[ends_late[basket]] = False
    return kept
