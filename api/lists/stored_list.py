"""A list as it is stored, without what is in no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from api.lists.fresh import Fresh
from api.lists.view import View
from contract.formats import payload
from contract.formats.keys import Id


class StoredList(NamedTuple):
    """A list as it is stored, best first, without what is unavailable.

    `why` is the explanation of a user's whole list as bytes, if it was asked for and is there; `positions` are those in the whole list,
    None where nothing was left out. `n_own`: from there on items of named lists follow, whose names `filled` has; None: none do.
    `fresh`: what the user did since; its items are not in the list. None where events don't count at once. `explored`: items of it that are
    there to explore them. `teams`: of a list that is interleaved of two, the arms whose picks items are.
    """

    item_ids: Sequence[Id]
    scores: Sequence[float]
    why: bytes | None = None
    positions: Sequence[int] | None = None
    n_own: int | None = None
    fresh: Fresh | None = None
    filled: Sequence[str] = ()
    explored: frozenset[Id] = frozenset()
    teams: Mapping[Id, str] | None = None


class UserLists(NamedTuple):
    """Ids as the generation spells them, None for one that can't be; lists, None for who has none; what these stand on; what is served
    now; what each did since, None where events don't count at once."""

    user_ids: list[Id | None]
    lists: list[StoredList | None]
    view: View
    newest: View
    did: list[Fresh | None]


def decoded(
    raw: bytes | None, unavailable: frozenset[Id], why: bytes | None = None, fresh: Fresh | None = None, most: int | None = None
) -> StoredList | None:
    """`most`: so many items will do, if that is all that is asked for; there may be more."""
    raw, why = fresh.listed(raw, why) if fresh else (raw, why)
    if raw is None:
        return None
    gone = bool(unavailable or (fresh and fresh.hidden))
    found = StoredList(*payload.decode(raw, None if gone else most), why, fresh=fresh)
    if marked := payload.marked_places(raw):
        found = found._replace(explored=frozenset(found.item_ids[place] for place in marked if place < len(found.item_ids)))
    if fresh and fresh.hidden:  # no copy of what is unavailable, which may be most of a large catalogue
        unavailable = fresh.hidden.union(unavailable.intersection(found.item_ids))
    return on_offer(found, unavailable)


def on_offer(found: StoredList, unavailable: frozenset[Id]) -> StoredList:
    """`found` without what is unavailable: itself, nearly always."""
    if not unavailable or unavailable.isdisjoint(found.item_ids):
        return found
    left = [at for at, item_id in enumerate(found.item_ids) if item_id not in unavailable]
    return found._replace(item_ids=[found.item_ids[at] for at in left], scores=[found.scores[at] for at in left], positions=left)
