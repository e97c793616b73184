"""Routes that answer one user's list.

An answer is written as text from the stored payload: nothing is parsed and dumped again on the way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from flask import Blueprint, Response
from pydantic import Field

from api.errors import RequestError
from api.store import Store, UserList
from api.validation import ExternalId, RequestModel, json_object, parse, query_fields
from contract.errors import PayloadError
from contract.keys import Id


class ListOptions(RequestModel):
    k: int | None = Field(None, ge=1, description="Items wanted: at most the depth of the generation; its k when not given.")
    include: list[Literal["metadata"]] = Field([], description="What to add to each item.")


class UserRequest(ListOptions):
    user_id: ExternalId


def blueprint(store: Store) -> Blueprint:
    routes = Blueprint("recommendations", __name__)

    @routes.post("/recommendations")
    def recommend() -> Response:
        return _answer(store, parse(UserRequest, json_object()))

    @routes.get("/users/<user_id>/recommendations")
    def recommend_by_path(user_id: str) -> Response:
        options = query_fields(integers=("k",), lists=("include",))
        parse(ListOptions, options)  # first by itself: user_id is no parameter of the query
        return _answer(store, parse(UserRequest, options | {"user_id": user_id}))

    return routes


def _answer(store: Store, asked: UserRequest) -> Response:
    if asked.k is not None and asked.k > (depth := store.current().depth):
        raise RequestError(f"k is more than {depth}, the number of items that are stored for a user.")
    found = store.find(asked.user_id)
    k = asked.k or found.pointer.k
    metadata = store.metadata(found.pointer, found.item_ids[:k]) if asked.include else None
    return Response(answer_json(found, k, metadata), mimetype="application/json")


def answer_json(found: UserList, k: int, metadata: Sequence[bytes] | None = None) -> str:
    """The answer of at most `k` items. Raises PayloadError for a score that JSON can't spell."""
    scores = found.scores[:k]
    if not math.isfinite(sum(scores)):
        raise PayloadError(f"a list of generation {found.pointer.generation} has a score that is not a number")
    ids = _ids_json(found.item_ids[:k])
    # Nine digits, less trailing zeros, read back as the same float32 in every case; the shortest that do cost five times as much.
    if metadata is None:
        items = [f'{{"item_id":{i},"score":{s:.9g},"rank":{r}}}' for r, (i, s) in enumerate(zip(ids, scores, strict=True), 1)]
    else:
        items = [
            f'{{"item_id":{i},"score":{s:.9g},"rank":{r},"metadata":{m.decode()}}}'
            for r, (i, s, m) in enumerate(zip(ids, scores, metadata, strict=True), 1)
        ]
    pointer = found.pointer
    user_id = found.user_id if isinstance(found.user_id, int) else json.dumps(found.user_id)
    generation = _generation_json(pointer.generation, pointer.trained_at, pointer.data_until)
    return f'{{"user_id":{user_id},{generation},"items":[{",".join(items)}]}}\n'


def _ids_json(item_ids: Sequence[Id]) -> Sequence[Id]:
    """Ids as JSON spells them; all of one list have one type."""
    return [json.dumps(item_id) for item_id in item_ids] if item_ids and isinstance(item_ids[0], str) else item_ids


@lru_cache(maxsize=8)
def _generation_json(generation: str, trained_at: str, data_until: str | None) -> str:
    return json.dumps({"generation": generation, "trained_at": trained_at, "data_until": data_until}, separators=(",", ":"))[1:-1]
