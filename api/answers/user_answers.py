"""One user's answer, as members of a JSON object: the same alone and in a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.answers.json_text import Because, Mark, id_json, items_json
from api.answers.selection import Selection, render
from api.http.problems import RequestError
from api.http.request_models import UserOptions
from api.lists.store import StoredList
from contract.formats import explanations
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

PERSONALIZED = "personalized"


def user_answer(
    asked: UserOptions, user_id: Id, found: StoredList, chosen: Selection, described: Mapping[Id, bytes] | None, source: str
) -> str:
    because, marks = explained(found, chosen) if asked.explain and source == PERSONALIZED else (None, ())
    fresh = found.fresh.members if found.fresh else ""
    return f'"user_id":{id_json(user_id)},"source":"{source}",{fresh}{render(asked, chosen, described, because, marks)}'


def plain_answer(user_id: Id, found: StoredList, k: int, passed: int | None = None) -> str:
    """What `user_answer` makes of the first `k` items, in a third of the time. `passed`: items that passed a filter, if there is one."""
    items = items_json(found.item_ids[:k], found.scores[:k], explored=found.explored, teams=found.teams)
    short = ""
    if len(found.item_ids) < k:
        short = '"short":true,' if passed is None else f'"short":true,"passed":{passed},'
    fresh = found.fresh.members if found.fresh else ""
    return f'"user_id":{id_json(user_id)},"source":"{PERSONALIZED}",{fresh}{short}"items":{items}'


def is_plain(asked: UserOptions) -> bool:
    return not (asked.exclude or asked.offset or asked.include or asked.explain or asked.filter is not None)


def stored_or_given(given: Id, pointer: Pointer) -> Id:
    """A user's id as the generation would spell it, also when it has no such user."""
    found = stored_id(given, pointer.user_id_type)
    return given if found is None else found


def need_explanations(pointer: Pointer) -> None:
    if not pointer.explain_depth:
        raise RequestError("The current generation has no explanations; train with LARDER_EXPLAIN_DEPTH.", 409, "No explanations")


def explained(found: StoredList, chosen: Selection) -> tuple[list[Because], Sequence[Mark]]:
    """For each chosen item the strongest contributors, none for an item that the run explained nothing of; the factors of their scores
    and the shares of the prior, where the run had some."""
    stored = explanations.decode(found.why) if found.why else []
    positions: Sequence[int] = range(len(chosen.item_ids)) if chosen.positions is None else chosen.positions
    own = positions if chosen.n_own is None else positions[: chosen.n_own]
    if found.positions is not None:
        own = [found.positions[at] for at in own]
    n_filled = len(positions) - len(own)
    nothing: Because = ()
    because: list[Because] = [*(stored[at] if at < len(stored) else nothing for at in own), *[nothing] * n_filled]
    if not found.why:
        return because, ()
    every = (Mark("boosted", 1.0, explanations.decode_boosts(found.why)), Mark("prior", 0.0, explanations.decode_priors(found.why)))
    return because, [mark._replace(values=[mark.values[at] for at in own] + [mark.neutral] * n_filled) for mark in every if mark.values]
