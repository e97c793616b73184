"""Interactions without some of their users, as if those had never been in the data; or those of the target alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from contract.errors import DataError
from contract.formats.keys import Id
from engine.arrays import Array
from trainer.interactions.indexing import by_bucket
from trainer.interactions.interactions import Interactions


def without_users(interactions: Interactions, positions: Sequence[int], reason: str) -> Interactions:
    """Drop all events of the users at `positions`, and items that nobody else has; counted under `reason`.

    Raises DataError when nothing is left.
    """
    if not positions:
        return interactions
    gone = np.zeros(len(interactions.user_ids), bool)
    gone[list(positions)] = True
    kept = ~gone[interactions.user_idx]
    if not kept.any():
        raise DataError(f"{interactions.source}: no interaction is left: all {kept.size:,} are of users who are left out ({reason})")
    if interactions.target is not None and not interactions.target[kept].any():
        raise DataError(f"{interactions.source}: no event of the target is left: all are of users who are left out ({reason})")
    item_ids, item_idx = _renumbered(interactions.item_ids, interactions.item_idx[kept])
    kept_ids, user_idx = _renumbered(interactions.user_ids, interactions.user_idx[kept])
    disliked = interactions.disliked and interactions.disliked.among(
        np.unique(interactions.user_idx[kept]), np.unique(interactions.item_idx[kept])
    )
    order = sorted(range(len(kept_ids)), key=kept_ids.__getitem__)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    user_ids, place, bucket_ends = by_bucket([kept_ids[at] for at in order], place)
    return replace(
        interactions,
        user_ids=user_ids,
        item_ids=item_ids,
        bucket_ends=bucket_ends,
        user_idx=place[user_idx],
        item_idx=item_idx,
        weight=interactions.weight[kept],
        time=None if interactions.time is None else interactions.time[kept],
        target=None if interactions.target is None else interactions.target[kept],
        disliked=disliked and disliked.moved(place),
        content=interactions.content and interactions.content.only(np.unique(interactions.item_idx[kept])),
        dropped={**interactions.dropped, reason: interactions.dropped.get(reason, 0) + int(kept.size - kept.sum())},
    )


def of_target(interactions: Interactions) -> Interactions:
    """The events of the target alone, of the same users and items: what counts for popularity, and as taken. All without one."""
    return interactions if interactions.target is None else with_events(interactions, interactions.target)


def with_events(interactions: Interactions, kept: Array) -> Interactions:
    """The events of the mask `kept`, in which none is told from others as one of a target; users and items stay as they are."""
    return replace(
        interactions,
        user_idx=interactions.user_idx[kept],
        item_idx=interactions.item_idx[kept],
        weight=interactions.weight[kept],
        time=None if interactions.time is None else interactions.time[kept],
        target=None,
    )


def _renumbered(ids: Sequence[Id], positions: Array) -> tuple[list[Id], Array]:
    """The ids that still occur, in their order, and positions among them."""
    used = np.bincount(positions, minlength=len(ids)) > 0
    numbers = (np.cumsum(used) - 1).astype(np.int32)
    return [ids[at] for at in np.flatnonzero(used).tolist()], numbers[positions]
