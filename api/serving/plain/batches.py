"""The plain question for lists of some users, in one call: two steps, as in fast_lane.py, and whatever is not quite plain is the route's.

Where an experiment runs, or an answer would be packed, it is the route's, too: each takes longer than all else here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from api.answers.json_text import generation_json
from api.answers.plain import fields_of, is_plain_id
from api.answers.user_answers import plain_answer
from api.http.api_keys import ApiKeys
from api.http.named_keys import NamedKey
from api.http.responses import Caching, post_tag
from api.lists.clients import Command
from api.lists.store import Store
from api.lists.view import View
from api.serving.middleware import accepts_gzip
from api.serving.plain.wsgi_parts import body_of, headers_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ROUTE = "/recommendations/batch"
MAX_USERS, MAX_ITEMS, MAX_DEPTH = 100, 2000, 100  # of what is answered between other things: a millisecond
MAX_BYTES = 8192
MAX_K = 999


class Batch(NamedTuple):
    """What is asked of what, and what reads that from Redis."""

    view: View
    user_ids: list[Id]
    k: int
    commands: list[Command]
    key: NamedKey | None


class Batches:
    def __init__(self, store: Store, caching: Caching, api_keys: ApiKeys) -> None:
        self._store, self._api_keys = store, api_keys
        self._cache_control = caching.header

    def question(self, environ: WSGIEnvironment) -> Batch | None:
        """Without waiting, and short. None for what a thread has to answer; the body is left as it came."""
        view = self._store.pointers.young()
        if view is None or view.arms is not None or self._store.breaker.is_away or environ["REQUEST_METHOD"] != "POST":
            return None
        if environ.get("QUERY_STRING") or accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            return None
        asked = _asked(environ)
        if asked is None:
            return None
        (given, k), pointer = asked, view.pointer
        k = k or pointer.k
        if k * len(given) > MAX_ITEMS or pointer.depth > MAX_DEPTH or not view.is_quick:
            return None
        key = self._api_keys.reader(environ, ROUTE)
        user_ids = [stored_id(user, pointer.user_id_type) for user in given]
        if key is None or None in user_ids:
            return None
        known: list[Id] = user_ids  # type: ignore[assignment]  # none is None
        commands = [command for user_id in known for command in self._store.commands_of(view, user_id)]
        return Batch(view, known, k, commands, key if isinstance(key, NamedKey) else None)

    def told(self, environ: WSGIEnvironment, asked: Batch, raw: Sequence[Any]) -> tuple[str, list[tuple[str, str]], bytes] | None:
        """Route, headers and body, with the answers to the commands; None where anybody has no list, or too short a one."""
        view, pointer, k = asked.view, asked.view.pointer, asked.k
        size = len(raw) // len(asked.user_ids)  # answers a user
        least = k if self._store.fallback else 0
        results = []
        for at, user_id in enumerate(asked.user_ids):
            found = self._store.found(view, raw[at * size : at * size + size], user_id, k)
            if found is None or len(found.item_ids) < least:
                return None
            results.append(plain_answer(user_id, found, k))
        if asked.key is not None and not self._api_keys.lets_in(asked.key, environ):
            return None
        body = f'{{{generation_json(pointer)},"results":[{{{"},{".join(results)}}}]}}\n'.encode()
        return ROUTE, headers_of(self._cache_control, post_tag(pointer, body), body), body


def _asked(environ: WSGIEnvironment) -> tuple[list[Id], int] | None:
    """Users and k, 0 where none is given; None for another question, or another spelling."""
    if (body := body_of(environ, MAX_BYTES)) is None or (fields := fields_of(body, {"user_ids", "k"})) is None:
        return None
    users, k = fields.get("user_ids"), fields.get("k", 0)
    if type(users) is not list or not 1 <= len(users) <= MAX_USERS:
        return None
    if not all(map(is_plain_id, users)) or type(k) is not int or ("k" in fields and not 1 <= k <= MAX_K):
        return None
    return users, k
