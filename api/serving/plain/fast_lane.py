"""The plain question for a user's list, answered without Flask, which would take as long as the list itself.

Whatever is not quite plain (another field, another spelling, an unknown user, a key that does not fit, a Redis that is away) is left to the
routes in recommendations.py, so that this module has no errors of its own to tell. A test compares the answers of both, byte by byte.

A question can be asked in two steps, too, with the reading from Redis left to who asks: then nothing here waits for anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from api.answers.item_filter import ItemFilter
from api.answers.json_text import generation_json
from api.answers.plain import MAX_BYTES, Asked, of_body, of_path
from api.answers.user_answers import plain_answer
from api.http.api_keys import ApiKeys
from api.http.named_keys import NamedKey
from api.http.responses import Caching, get_tag, post_tag
from api.http.versions import VERSION_PATH
from api.lists.clients import Command
from api.lists.store import Store
from api.lists.view import View
from api.serving.plain import batches
from api.serving.plain.batches import Batch
from api.serving.plain.wsgi_parts import body_of, headers_of
from contract.experiments.arms import LISTED, WITHOUT, arm_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

POST_ROUTE = "/recommendations"
GET_ROUTE = "/users/<user_id>/recommendations"
MAX_K, MAX_DEPTH = 100, 500  # of what is answered between other things; more takes a millisecond


class Answer(NamedTuple):
    """A 200."""

    route: str
    headers: list[tuple[str, str]]
    body: bytes


class Question(NamedTuple):
    """What is asked of what, and what reads that from Redis."""

    asked: Asked
    view: View
    user_id: Id
    commands: list[Command]
    key: NamedKey | None


class FastLane:
    def __init__(self, store: Store, caching: Caching, api_keys: ApiKeys) -> None:
        self._store = store
        self._api_keys = api_keys
        self.count_arm: Callable[[str, str, int, Sequence[Id]], object] = lambda _arm, _outcome, _n, _users: None
        """As Metrics.arm, while an experiment runs."""
        self._batches = batches.Batches(store, caching, api_keys)
        self._cache_control = caching.header

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """None for what Flask has to answer, to which the body is left as it came."""
        asked = self._asked(environ)
        if asked is None:
            return None
        try:
            question = self._question(environ, asked, self._store.pointers.current(asked.user_id))
            if question is None:
                return None
            return self.told(environ, question, self._store.ask(question.commands))
        except Exception:  # noqa: BLE001 (whatever it is, the route meets it again, and knows how to tell it)
            return None

    def question(self, environ: WSGIEnvironment) -> Question | Batch | None:
        """The first step: without waiting, and short. None for what a thread has to answer; the body is left as it came."""
        if environ["PATH_INFO"].removeprefix(VERSION_PATH) == batches.ROUTE:
            return self._batches.question(environ)
        if self._store.breaker.is_away or (asked := self._asked(environ)) is None:
            return None
        if (view := self._store.pointers.young(asked.user_id)) is None:
            return None
        if (asked.k or view.pointer.k) > MAX_K or view.pointer.depth > MAX_DEPTH or not view.is_quick:
            return None
        return self._question(environ, asked, view)

    def told(self, environ: WSGIEnvironment, question: Question | Batch, raw: Sequence[Any]) -> Answer | None:
        """The second step, with the answers to its commands."""
        if isinstance(question, Batch):
            answer = self._batches.told(environ, question, raw)
            return None if answer is None else Answer(*answer)
        asked, view, pointer = question.asked, question.view, question.view.pointer
        k, passed = asked.k or pointer.k, None
        found = self._store.found(view, raw, question.user_id, k if asked.filter is None else None)
        if found is None:
            return None
        if asked.filter is not None:
            if (item_filter := _ready(view, asked.filter)) is None:
                return None
            found = item_filter.of(found, k)
            passed = len(found.item_ids)
        if self._store.fallback and len(found.item_ids) < k:
            return None
        if question.key is not None and not self._api_keys.lets_in(question.key, environ):
            return None
        if arm := arm_of(pointer):
            if found.item_ids:
                self.count_arm(arm, LISTED, 1, ())
            else:
                self.count_arm(arm, WITHOUT, 1, (asked.user_id,))
        body = f"{{{plain_answer(question.user_id, found, k, passed)},{generation_json(pointer)}}}\n".encode()
        if asked.by_path:
            route, tag = GET_ROUTE, get_tag(pointer, view.items.tag + (found.fresh.tag if found.fresh else ""))
        else:
            route, tag = POST_ROUTE, post_tag(pointer, body)
        return Answer(route, headers_of(self._cache_control, tag, body), body)

    def _asked(self, environ: WSGIEnvironment) -> Asked | None:
        path: str = environ["PATH_INFO"]
        path = path.removeprefix(VERSION_PATH)
        if path == POST_ROUTE:
            is_plain = environ["REQUEST_METHOD"] == "POST" and not environ.get("QUERY_STRING")
            return of_body(body) if is_plain and (body := body_of(environ, MAX_BYTES)) is not None else None
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_IF_NONE_MATCH" in environ:
            return None
        return of_path(path, environ.get("QUERY_STRING", ""))

    def _question(self, environ: WSGIEnvironment, asked: Asked, view: View) -> Question | None:
        if asked.filter is not None and _ready(view, asked.filter) is None:
            return None
        key = self._api_keys.reader(environ, GET_ROUTE if asked.by_path else POST_ROUTE)
        user_id = stored_id(asked.user_id, view.pointer.user_id_type)
        if key is None or user_id is None:
            return None
        commands = self._store.commands_of(view, user_id)
        return Question(asked, view, user_id, commands, key if isinstance(key, NamedKey) else None)


def _ready(view: View, text: str) -> ItemFilter | None:
    """None for a filter that was not made ready before, which takes longer than all else here; so the route does it."""
    table = view.items.table
    passes = None if table is None else table.ready(text)
    return None if table is None or passes is None else ItemFilter(view, table, passes)
