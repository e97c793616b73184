"""One list of two generations', while an experiment interleaves them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from api.lists.clients import Command
from api.lists.fresh import Fresh, fresh_of
from api.lists.stored_list import StoredList, decoded, on_offer
from contract.experiments.arms import InterleavedPointer
from contract.experiments.definition import CURRENT
from contract.experiments.interleaving import DAY_S, NOBODY, coins_of, draft
from contract.formats.ids import stored_id
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Pointer


def command_of_other(keys: Keys, pointer: InterleavedPointer, user_id: Id) -> Command:
    """What reads the other list of a user."""
    other = pointer.other
    return "HGET", keys.recs(other.generation, bucket_of(user_id, other.n_user_buckets)), str(user_id)


def drawn(
    pointer: InterleavedPointer,
    user: Id,
    raw: Sequence[bytes | None],
    unavailable: frozenset[Id],
    fresh: Fresh | None,
    told: object,
    most: int | None,
) -> StoredList | None:
    """Of both lists as they were written, without what is hidden: a list that was made anew would be of one of them alone.

    `fresh`: of what is served; of `told`, the user's hash, an older generation knows less, so that more is hidden.
    """
    other = pointer.other
    first = decoded(raw[0], unavailable, fresh=_without_list(fresh), most=most)
    hides = _without_list(fresh and fresh_of(told, other))
    if other.item_id_type == pointer.item_id_type:
        return interleaved(pointer, user, first, decoded(raw[1], unavailable, fresh=hides, most=most))
    second = decoded(raw[1], frozenset(), fresh=hides)
    return interleaved(pointer, user, first, second and on_offer(_spelled(second, pointer), unavailable))


def _without_list(fresh: Fresh | None) -> Fresh | None:
    return fresh and fresh._replace(remade=None)


def _spelled(found: StoredList, pointer: Pointer) -> StoredList:
    """With ids as a generation that was promoted since the experiment began spells them; without those that it can't have."""
    ids = [stored_id(item, pointer.item_id_type) for item in found.item_ids]
    explored = frozenset(item for item, before in zip(ids, found.item_ids, strict=True) if item is not None and before in found.explored)
    scores = [score for item, score in zip(ids, found.scores, strict=True) if item is not None]
    return StoredList([item for item in ids if item is not None], scores, explored=explored)


def interleaved(pointer: InterleavedPointer, user: Id, first: StoredList | None, second: StoredList | None) -> StoredList | None:
    """`first`: of what is served, None where that has none, and so nothing is to be answered.

    Without a second list all of it is nobody's.
    """
    if first is None or second is None:
        return first
    lists, names = (first, second), (CURRENT, pointer.other.generation)
    coins = coins_of(user, (pointer.generation, pointer.other.generation), pointer.salt, int(time.time()) // DAY_S)
    ids, scores, teams, explored = list[Id](), list[float](), dict[Id, str](), set[Id]()
    for pick in draft(first.item_ids, second.item_ids, coins):
        source = lists[pick.source]
        item = source.item_ids[pick.place]
        ids.append(item)
        scores.append(source.scores[pick.place])
        if pick.team != NOBODY:
            teams[item] = names[pick.team]
        if item in source.explored:
            explored.add(item)
    return StoredList(ids, scores, fresh=first.fresh, explored=frozenset(explored), teams=teams)
