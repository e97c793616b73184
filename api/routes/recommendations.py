"""Routes that answer one user's list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from api.answers.filling import EMPTY, Filler, chain_of
from api.answers.json_text import generation_json
from api.answers.selection import describe
from api.answers.user_answers import PERSONALIZED, need_explanations, stored_or_given, user_answer
from api.http.answer_models import ListAnswer
from api.http.problems import RequestError, unknown_user
from api.http.request_models import UserQuery, UserRequest
from api.http.requests import json_body, parse, query_fields
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.pinning import arm_to_count
from api.lists.store import Store, StoredList
from api.lists.view import View
from api.metrics.counters import Metrics
from contract.experiments.arms import ERROR, LISTED, UNKNOWN, WITHOUT
from contract.formats.keys import Id

FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class RecommendationRoutes:
    store: Store
    metrics: Metrics
    caching: Caching

    def routes(self) -> list[Route]:
        return [
            self.route("POST", "/recommendations", self.by_body, "A user's list"),
            self.route("GET", "/users/<user_id>/recommendations", self.by_path, "A user's list, by path"),
        ]

    def by_body(self) -> Response:
        return self.answer(json_body(UserRequest))

    def by_path(self, user_id: str) -> Response:
        options = query_fields(UserQuery)
        parse(UserQuery, options)  # first by itself: user_id is no parameter of the query
        return self.answer(parse(UserRequest, options | {"user_id": user_id}))

    def answer(self, asked: UserRequest) -> Response:
        try:
            return self.answered(asked)
        except RequestError:
            raise
        except Exception:
            if (arms := self.store.pointers.running_arms) is not None:
                self.metrics.arm(arm_to_count(arms.of_user(asked.user_id)), ERROR, users=(asked.user_id,))
            raise

    def answered(self, asked: UserRequest) -> Response:
        seen = self.store.pointers.find_in_current(lambda view: _find(self.store, view, asked), asked.user_id)
        if seen is not None:
            view, (user_id, found) = seen
            return self.respond(asked, view, user_id, found, PERSONALIZED)
        self.metrics.unknown_users.inc()
        view = self.store.pointers.current(asked.user_id)
        if not (chain := chain_of(self.store, asked)):
            self.metrics.arm(arm_to_count(view.pointer), UNKNOWN)
            raise unknown_user()
        user_id = stored_or_given(asked.user_id, view.pointer)
        nothing = EMPTY._replace(fresh=self.store.did(view, user_id))
        return self.respond(asked, view, user_id, nothing, chain[0], f"-{FALLBACK}")

    def respond(self, asked: UserRequest, view: View, user_id: Id, found: StoredList, source: str, variant: str = "") -> Response:
        pointer = view.pointer
        filler = Filler(self.store, asked, view, self.metrics.fell_back)
        found, chosen = filler.choose(found)
        if chosen.item_ids:
            self.metrics.arm(arm_to_count(pointer), LISTED)
        else:
            self.metrics.arm(arm_to_count(pointer), WITHOUT, users=(asked.user_id,))
        source = filler.source_of(found, source)
        described = describe(self.store, view, asked, (chosen,))
        members = user_answer(asked, user_id, found, chosen, described, source)
        did = found.fresh.tag if found.fresh else ""
        return of_generation(f"{{{members},{generation_json(pointer)}}}\n", pointer, self.caching, view.items.tag + variant + did)

    def route(self, method: str, path: str, view: Callable[..., Response], summary: str) -> Route:
        body, query = (UserRequest, None) if method == "POST" else (None, UserQuery)
        return Route(method, path, view, summary, ListAnswer, query=query, body=body, errors=(404, 409))


def _find(store: Store, view: View, asked: UserRequest) -> tuple[Id, StoredList] | None:
    if not asked.explain:
        return store.user_list(view, asked.user_id)
    need_explanations(view.pointer)
    (user_id,), (found,), *_ = store.user_lists(view, [asked.user_id], explain=True)
    return None if user_id is None or found is None else (user_id, found)
