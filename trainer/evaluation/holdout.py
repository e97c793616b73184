"""What is held out of the interactions to measure a model with: the last quarter of some users' events, or a random quarter.

The splitters are recommenders' own. They take a pandas frame, so that only events of the chosen users go through them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from heapq import nsmallest

import numpy as np
import pandas as pd
from recommenders.datasets.python_splitters import python_chrono_split, python_stratified_split

from contract.formats.evaluation import Split
from engine.arrays import Array
from trainer.interactions.interactions import Interactions

RATIO = 0.75  # of a user's events: what the model is fitted on
BASKET_S = 1800  # events of one user with shorter gaps are one basket, or visit
SEED = 42  # of the stratified split, as in recommenders' published figures
_SALT = b"evaluation"
_ROW = "row"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """`train`: all users, with the items that are left, numbered anew: `items[new]` is the old item_idx, int32, rising.

    `user_idx`, `item_idx` (old numbers): distinct pairs to be found, by user. Pairs that the training part has as well are not among
    them where lists leave out what was seen, and can't hold those. `again`: what part of all pairs that were held out those are.
    """

    train: Interactions
    items: Array
    user_idx: Array
    item_idx: Array
    again: float = 0.0


def hold_out(
    interactions: Interactions, split: Split, sample_users: int, rows_as_read: bool = False, *, exclude_seen: bool = True
) -> HeldOut | None:
    """Hold out a quarter of the events of at most `sample_users` users; None when nobody has enough events for that (three).

    Who is chosen depends on the ids alone, so that two runs measure mostly the same people. "time": the latest events of each user,
    whatever the order of the rows. "stratified": chosen by the seed, whatever the order of the rows; with `rows_as_read` by that, too,
    as in recommenders' published figures. With a target, its events alone are held out (_of_target). `exclude_seen`: lists do, so that
    what is taken again is not to be found.
    """
    if interactions.target is not None:
        return _of_target(interactions, interactions.target, split, sample_users, exclude_seen)
    users = sampled(interactions, sample_users)
    if not users.size:
        return None
    chosen = np.zeros(len(interactions.user_ids), bool)
    chosen[users] = True
    rows = np.flatnonzero(chosen[interactions.user_idx])
    if split == "time" and interactions.time is not None:
        # Sorted, and the splitter's sort is stable: two events of one second fall the same way in every order of the rows.
        rows = rows[np.lexsort((interactions.weight[rows], interactions.item_idx[rows], interactions.time[rows]))]
        _, test = python_chrono_split(_frame(interactions, rows), ratio=RATIO, filter_by="user")
    else:
        if not rows_as_read:
            rows = rows[np.lexsort(_canonical(interactions, rows))]
        _, test = python_stratified_split(_frame(interactions, rows), ratio=RATIO, filter_by="user", seed=SEED)
    held = test[_ROW].to_numpy()
    kept = np.ones(interactions.user_idx.size, bool)
    kept[held] = False
    return to_be_found(interactions, kept, *_late(interactions, held, rows[kept[rows]]), exclude_seen)


def _of_target(interactions: Interactions, target: Array, split: Split, sample_users: int, exclude_seen: bool) -> HeldOut | None:
    """A quarter of the target's events of each user held out, one at the least, where some other event remains to start from.

    "time": the latest, with all that the user did from the beginning of that visit on, since what leads to a purchase within the visit is
    known too late for a list that was cooked before. "stratified": a random one, with all events of the same pairs.
    """
    user, n_users = interactions.user_idx, len(interactions.user_ids)
    rows = np.flatnonzero(target)
    rows = rows[np.lexsort(_canonical(interactions, rows))]
    last = interactions.time[rows] if split == "time" and interactions.time is not None else np.random.default_rng(SEED).random(rows.size)
    rows = rows[np.lexsort((last, user[rows]))]
    counts = np.bincount(user[rows], minlength=n_users)
    place = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
    n = counts[user[rows]]
    held = rows[place >= n - np.maximum(1, n - np.round(RATIO * n))]
    gone = np.isin(_pairs(interactions, np.arange(user.size)), _pairs(interactions, held))
    if split == "time" and interactions.time is not None:
        visit = baskets(user, interactions.time)
        first = np.full(n_users, np.iinfo(np.int64).max)
        np.minimum.at(first, user[held], visit[held])
        gone = visit >= first[user]
    known = np.bincount(user[~gone], minlength=n_users) > 0
    chosen = np.zeros(n_users, bool)
    chosen[lowest_hashes(interactions, np.unique(user[held][known[user[held]]]), sample_users)] = True
    kept, held = ~(gone & chosen[user]), held[chosen[user[held]]]
    if not target[kept].any():
        return None
    return to_be_found(interactions, kept, *_late(interactions, held, np.flatnonzero(kept & target)), exclude_seen)


def _late(interactions: Interactions, held: Array, before: Array) -> tuple[Array, Array]:
    """The pairs of the rows `held`, and which of them the rows `before` have, too: as `to_be_found` takes them."""
    late = np.unique(_pairs(interactions, held))
    return late, np.isin(late, _pairs(interactions, before))


def to_be_found(interactions: Interactions, kept: Array, late: Array, was_there: Array, exclude_seen: bool) -> HeldOut | None:
    """The rows in `kept`, and the pairs of `late` that lists may hold; None where there are none. `late`: distinct user_idx · n_items +
    item_idx of what is held out, rising; `was_there`: which of them there were before."""
    pairs = late[~was_there] if exclude_seen else late
    if not pairs.size:
        return None
    items, train = only(interactions, kept)
    n_items = len(interactions.item_ids)
    users, named = (pairs // n_items).astype(np.int32), (pairs % n_items).astype(np.int32)
    return HeldOut(train, items, users, named, float(was_there.mean()))


def baskets(user_idx: Array, time: Array) -> Array:
    """The number of each event's basket, or visit: by user, then time."""
    order = np.lexsort((time, user_idx))
    user, when = user_idx[order], time[order]
    first = np.ones(user.size, bool)
    first[1:] = (user[1:] != user[:-1]) | (when[1:] - when[:-1] >= BASKET_S)
    numbers = np.empty(user.size, np.int64)
    numbers[order] = np.cumsum(first) - 1
    return numbers


def nobody(interactions: Interactions) -> str:
    """Why nothing can be held out."""
    if interactions.target is not None:
        return "no user has an event of the target, and others before that visit"
    return "no user has enough different interactions to hold one out (three)"


def sampled(interactions: Interactions, sample_users: int) -> Array:
    """user_idx, rising, of users who have enough events; of those the ones whose ids hash lowest where they are too many."""
    counts = np.bincount(interactions.user_idx, minlength=len(interactions.user_ids))
    enough = np.flatnonzero(np.round(RATIO * counts) < counts)  # as the splitters round
    return lowest_hashes(interactions, enough, sample_users)


def lowest_hashes(interactions: Interactions, users: Array, most: int) -> Array:
    """`users`, rising, or those `most` of them whose ids hash lowest: mostly the same people from one run to the next."""
    if users.size <= most:
        return users
    return np.sort(np.array(nsmallest(most, users.tolist(), key=lambda user: _hash(interactions.user_ids[user])), np.int64))


def _hash(user_id: object) -> bytes:
    return blake2b(str(user_id).encode(), digest_size=8, salt=_SALT).digest()


def _canonical(interactions: Interactions, rows: Array) -> list[Array]:
    """Keys for np.lexsort, the last one first: by user, item, time, weight. Rows that tie are the same event."""
    keys = [interactions.weight, *([] if interactions.time is None else [interactions.time]), interactions.item_idx, interactions.user_idx]
    return [key[rows] for key in keys]


def _frame(interactions: Interactions, rows: Array) -> pd.DataFrame:
    """Under the library's default names."""
    columns = {"userID": interactions.user_idx[rows], "itemID": interactions.item_idx[rows], _ROW: rows}
    if interactions.time is not None:
        columns["timestamp"] = interactions.time[rows]
    return pd.DataFrame(columns)


def _pairs(interactions: Interactions, rows: Array) -> Array:
    """One int64 for each pair, in the order of user, then item."""
    pairs: Array = interactions.user_idx[rows].astype(np.int64) * len(interactions.item_ids) + interactions.item_idx[rows]
    return pairs


def only(interactions: Interactions, kept: Array) -> tuple[Array, Interactions]:
    """The rows in `kept` as interactions of their own, in which every item occurs, or all where something is known of them (`content`).

    All users remain, also those without a row.
    """
    item_idx = interactions.item_idx[kept]
    used = (np.bincount(item_idx, minlength=len(interactions.item_ids)) > 0) | (interactions.content is not None)
    items = np.flatnonzero(used).astype(np.int32)
    numbers = (np.cumsum(used) - 1).astype(np.int32)
    return items, replace(
        interactions,
        item_ids=[interactions.item_ids[item] for item in items.tolist()],
        user_idx=interactions.user_idx[kept],
        item_idx=numbers[item_idx],
        weight=interactions.weight[kept],
        disliked=None,
        time=None if interactions.time is None else interactions.time[kept],
        target=None if interactions.target is None else interactions.target[kept],
    )
