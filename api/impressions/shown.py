"""What an answer showed, told by the answer itself: whatever wrote it, and whatever it was made of.

A long answer is read piece by piece, so that the threads that answer go on between the pieces.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from api.http.answer_models import ARM, GENERATION
from contract.experiments.arms import INTERLEAVED
from contract.experiments.definition import CURRENT
from contract.formats.events import Impression

ROUTES = frozenset({"/recommendations", "/users/<user_id>/recommendations", "/recommendations/batch"})
"""Those of answers with users' lists. Lists of nobody, and a visitor's, belong to no user."""
AT_ONCE_BYTES = 64 * 1024  # of an answer, or of pieces: what is read while other threads wait, 2 ms or so
RESULTS, ITEMS = "results", "items"
_ARRAY = re.compile(f'"({RESULTS}|{ITEMS})":\\[')  # within a text, the quotes would be escaped
_OF_LIST = ("user_id", "source", GENERATION, ARM)
_OF_ITEM = ("item_id", "rank", ARM)
_piece = json.JSONDecoder().raw_decode


def shown(request_id: str, time_ms: int, body: bytes, further_only: bool = False) -> list[Impression]:
    """A user's list, or those of a batch; none of a list that is empty, of which nothing was shown.

    One that is interleaved is as many lists as have picks in it, with the ranks that these had.

    `further_only`: none of a list that begins at rank 1, either.
    """
    answer = json.loads(body) if len(body) <= AT_ONCE_BYTES else _read_by_pieces(body.decode())
    found = []
    for one in answer.get(RESULTS, [answer]):
        if (items := one.get(ITEMS)) and not (further_only and items[0]["rank"] == 1):
            arm, generation = _of(one, answer, ARM), _of(one, answer, GENERATION)
            if arm != INTERLEAVED:
                found.append(_impression(request_id, time_ms, one, generation, arm, items))
                continue
            for team in dict.fromkeys(item.get(ARM, "") for item in items):
                own = [item for item in items if item.get(ARM, "") == team]
                of = generation if team in ("", CURRENT) else team
                found.append(_impression(request_id, time_ms, one, of, team, own))
    return found


def _impression(
    request_id: str, time_ms: int, one: Mapping[str, Any], generation: str, arm: str, items: Sequence[Mapping[str, Any]]
) -> Impression:
    ids, ranks = [item["item_id"] for item in items], [item["rank"] for item in items]
    return Impression(request_id, time_ms, one["user_id"], generation, arm, one["source"], ids, ranks)


def _read_by_pieces(text: str) -> dict[str, Any]:
    """The answer, of whose array of lists or of items only that is held which is kept. Raises ValueError where it isn't one."""
    array = _ARRAY.search(text)
    if array is None:
        raise ValueError("a long answer without an array of results or items")
    name, start = array[1], array.end()
    pieces, at, seen = list[dict[str, Any]](), start, start
    while text[at] != "]":
        piece, at = _piece(text, at + (text[at] == ","))
        pieces.append(_list_of(piece) if name == RESULTS else _picked(piece, _OF_ITEM))
        if text[at] not in ",]":
            raise ValueError(f"character {at}: expected , or ]")
        if at - seen > AT_ONCE_BYTES // 4:
            seen = at
            time.sleep(0)
    rest: dict[str, Any] = json.loads(text[:start] + text[at:])
    return rest | {name: pieces}


def _list_of(result: Mapping[str, Any]) -> dict[str, Any]:
    return _picked(result, _OF_LIST) | {ITEMS: [_picked(item, _OF_ITEM) for item in result.get(ITEMS) or ()]}


def _picked(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def _of(one: Mapping[str, Any], answer: Mapping[str, Any], name: str) -> str:
    """A member of a batch's own result, else of the whole answer."""
    return str(one.get(name) or answer.get(name) or "")
