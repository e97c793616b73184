"""Which part of a stored list an answer has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from api.answers.json_text import NOTHING, Because, Mark, items_json
from api.http.request_models import ListOptions
from api.lists.store import Store, StoredList
from api.lists.view import View
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer


class Selection(NamedTuple):
    """`positions` are those in the stored list; None: from the first on. `n_own`: after so many items come those of named lists, whose
    names `filled` has.
    `n_passed`: items that passed the filter, on all pages, where these are too few. `explored`: items that are there to explore them.
    `teams` as in StoredList.
    """

    item_ids: Sequence[Id]
    scores: Sequence[float]
    positions: Sequence[int] | None
    short: bool
    n_own: int | None = None
    n_passed: int | None = None
    filled: Sequence[str] = ()
    explored: frozenset[Id] = NOTHING
    teams: Mapping[Id, str] | None = None


def excluded_ids(asked: ListOptions, pointer: Pointer) -> frozenset[Id]:
    """The excluded items as the generation spells them."""
    if not asked.exclude:
        return frozenset()
    spelled = (stored_id(given, pointer.item_id_type) for given in asked.exclude)
    return frozenset(item_id for item_id in spelled if item_id is not None)


def select(found: StoredList, asked: ListOptions, pointer: Pointer, excluded: frozenset[Id]) -> Selection:
    """k items from the offset on, of those that are not excluded; `short` when there are fewer."""
    k, start = asked.k or pointer.k, asked.offset
    if not excluded and not start:
        item_ids = found.item_ids[:k]
        filled = found.filled[: max(0, k - (found.n_own or 0))]
        return Selection(item_ids, found.scores[:k], None, len(item_ids) < k, found.n_own, None, filled, found.explored, found.teams)
    left = [at for at, item_id in enumerate(found.item_ids) if item_id not in excluded][start : start + k]
    own = len(found.item_ids) if found.n_own is None else found.n_own
    n_own = None if found.n_own is None else sum(at < own for at in left)
    filled = [found.filled[at - own] for at in left if at >= own]
    item_ids, scores = [found.item_ids[at] for at in left], [found.scores[at] for at in left]
    return Selection(item_ids, scores, left, len(left) < k, n_own, None, filled, found.explored, found.teams)


def describe(store: Store, view: View, asked: ListOptions, chosen: Iterable[Selection]) -> dict[Id, bytes] | None:
    """Metadata of all chosen items in one round trip, if it is asked for."""
    if not asked.include:
        return None
    item_ids = list(dict.fromkeys(item_id for one in chosen for item_id in one.item_ids))
    return dict(zip(item_ids, store.metadata(view, item_ids), strict=True))


def render(
    asked: ListOptions,
    chosen: Selection,
    described: Mapping[Id, bytes] | None,
    because: Sequence[Because] | None = None,
    marks: Sequence[Mark] = (),
) -> str:
    """`"items"`, and `"short"`, `"passed"` and `"beyond"` where the list is, as members of a JSON object."""
    metadata = None if described is None else [described[item_id] for item_id in chosen.item_ids]
    others = (chosen.n_own, chosen.filled, chosen.explored, chosen.teams)
    items = items_json(chosen.item_ids, chosen.scores, asked.offset + 1, metadata, because, marks, *others)
    beyond = '"beyond":true,' if asked.offset and not chosen.item_ids else ""
    passed = "" if chosen.n_passed is None else f'"passed":{chosen.n_passed},'
    return f'"short":true,{passed}{beyond}"items":{items}' if chosen.short else f'"items":{items}'
