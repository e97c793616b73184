"""Routes that answer one user's list."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from api.answers.filling import EMPTY, Filler, chain_of
from api.answers.json_text import generation_json
from api.answers.selection import describe
from api.answers.user_answers import PERSONALIZED, need_explanations, spelled, user_answer
from api.http.answer_models import ListAnswer
from api.http.problems import RequestError, unknown_user
from api.http.request_models import UserQuery, UserRequest
from api.http.requests import json_body, parse, query_fields
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.pinning import arm_to_count
from api.lists.store import Store, StoredList
from api.metrics.counters import Metrics
from contract.experiments.arms import ERROR, LISTED, UNKNOWN, WITHOUT
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

FALLBACK = "fallback"


def routes(store: Store, metrics: Metrics, caching: Caching) -> list[Route]:
    def by_body() -> Response:
        return answer(json_body(UserRequest))

    def by_path(user_id: str) -> Response:
        options = query_fields(UserQuery)
        parse(UserQuery, options)  # first by itself: user_id is no parameter of the query
        return answer(parse(UserRequest, options | {"user_id": user_id}))

    def answer(asked: UserRequest) -> Response:
        try:
            return answered(asked)
        except RequestError:
            raise
        except Exception:
            if (pointer := store.pointers.young_of(asked.user_id)) is not None:
                metrics.arm(arm_to_count(pointer), ERROR)
            raise

    def answered(asked: UserRequest) -> Response:
        tag = store.pointers.items_tag()
        if asked.explain:
            need_explanations(store.pointers.current(asked.user_id))
        seen = store.pointers.look(lambda pointer: _find(store, pointer, asked), asked.user_id)
        if seen is not None:
            pointer, (user_id, found) = seen
            return respond(asked, pointer, user_id, found, PERSONALIZED, tag)
        metrics.unknown_users.inc()
        pointer = store.pointers.current(asked.user_id)
        if not (chain := chain_of(store, asked)):
            metrics.arm(arm_to_count(pointer), UNKNOWN)
            raise unknown_user()
        user_id = spelled(asked.user_id, pointer)
        nothing = EMPTY._replace(fresh=store.did(pointer, user_id))
        return respond(asked, pointer, user_id, nothing, chain[0], f"{tag}-{FALLBACK}")

    def respond(asked: UserRequest, pointer: Pointer, user_id: Id, found: StoredList, source: str, variant: str) -> Response:
        filler = Filler(store, asked, pointer, metrics.fell_back)
        found, chosen = filler.choose(found)
        metrics.arm(arm_to_count(pointer), LISTED if chosen.item_ids else WITHOUT)
        source = filler.source_of(found, source)
        described = describe(store, pointer, asked, (chosen,), filler.shelf)
        members = user_answer(asked, user_id, found, chosen, described, source)
        did = found.fresh.tag if found.fresh else ""
        return of_generation(f"{{{members},{generation_json(pointer)}}}\n", pointer, caching, variant + did)

    def route(method: str, path: str, view: Callable[..., Response], summary: str) -> Route:
        body, query = (UserRequest, None) if method == "POST" else (None, UserQuery)
        return Route(method, path, view, summary, ListAnswer, query=query, body=body, errors=(404, 409))

    return [
        route("POST", "/recommendations", by_body, "A user's list"),
        route("GET", "/users/<user_id>/recommendations", by_path, "A user's list, by path"),
    ]


def _find(store: Store, pointer: Pointer, asked: UserRequest) -> tuple[Id, StoredList] | None:
    if not asked.explain:
        return store.user_list(pointer, asked.user_id)
    need_explanations(pointer)
    (user_id,), (found,), *_ = store.user_lists(pointer, [asked.user_id], explain=True)
    return None if user_id is None or found is None else (user_id, found)
