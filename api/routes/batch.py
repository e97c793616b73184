"""Lists of many users in one call, and one round trip."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from api.answers.filling import EMPTY, Filler
from api.answers.json_text import generation_json, id_json
from api.answers.selection import Selection, describe
from api.answers.user_answers import PERSONALIZED, POPULAR, is_plain, need_explanations, plain_answer, spelled, user_answer
from api.http.answer_models import BatchAnswer
from api.http.problems import problem_json, unknown_user
from api.http.request_models import BatchRequest
from api.http.requests import json_body
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.store import Store, StoredList, UserLists
from api.metrics.counters import Metrics
from contract.formats.manifest import Pointer


def routes(store: Store, metrics: Metrics, caching: Caching) -> list[Route]:
    def batch() -> Response:
        asked = json_body(BatchRequest)
        pointer = store.pointers.current()
        found = store.user_lists(pointer, asked.user_ids, explain=asked.explain, popular=asked.fallback is not None)
        if found.newest.generation != pointer.generation and not all(found.lists):
            # A generation that has just been left may be pruned, or may not know a user yet.
            pointer = found.newest
            found = store.user_lists(pointer, asked.user_ids, explain=asked.explain, popular=asked.fallback is not None)
        if asked.explain:
            need_explanations(pointer)
        n_unknown = sum(one is None for one in found.lists)
        metrics.unknown_users.inc(n_unknown)
        if found.popular is not None:
            metrics.fallbacks.inc(n_unknown)
        is_whole = not n_unknown and (
            asked.fallback is None or all(one and len(one.item_ids) >= (asked.k or pointer.k) for one in found.lists)
        )
        if is_plain(asked) and is_whole:
            results = _plain_results(pointer, asked, found)
        else:
            filler = Filler(store, asked, pointer, metrics.fallbacks.inc, popular=found.popular or EMPTY)
            results = _results(store, pointer, asked, found, filler)
        body = ",".join(results)
        return of_generation(f'{{{generation_json(pointer)},"results":[{body}]}}\n', pointer, caching)

    return [
        Route("POST", "/recommendations/batch", batch, "Lists of up to 1,000 users", answer=BatchAnswer, body=BatchRequest, errors=(409,))
    ]


def _plain_results(pointer: Pointer, asked: BatchRequest, found: UserLists) -> Iterator[str]:
    k = asked.k or pointer.k
    for user_id, one in zip(found.user_ids, found.lists, strict=True):
        if user_id is not None and one is not None:
            yield f"{{{plain_answer(user_id, one, k)}}}"


def _results(store: Store, pointer: Pointer, asked: BatchRequest, found: UserLists, filler: Filler) -> Iterator[str]:
    """A list or an error for each user. Metadata of all of them takes one round trip."""
    lists: list[tuple[StoredList | None, str]] = []
    parts: list[Selection | None] = []
    for one, did in zip(found.lists, found.did, strict=True):
        if one is None:
            popular, part = (None, None) if found.popular is None else filler.choose_popular(did)
            lists.append((popular, POPULAR))
            parts.append(part)
            continue
        whole, chosen = filler.choose(one)
        lists.append((whole, POPULAR if whole.n_own is not None and not filler.has_own(whole) else PERSONALIZED))
        parts.append(chosen)
    described = describe(store, pointer, asked, [part for part in parts if part is not None], filler.shelf)
    unknown = problem_json(unknown_user()).strip()
    for given, (stored, source), part in zip(asked.user_ids, lists, parts, strict=True):
        user_id = spelled(given, pointer)
        if stored is None or part is None:
            yield f'{{"user_id":{id_json(user_id)},"problem":{unknown}}}'
        else:
            yield f"{{{user_answer(asked, user_id, stored, part, described, source)}}}"
