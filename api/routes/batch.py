"""Lists of many users in one call, and one round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Response

from api.answers.filling import EMPTY, Filler, chain_of
from api.answers.json_text import generation_json, id_json
from api.answers.selection import describe
from api.answers.user_answers import PERSONALIZED, is_plain, need_explanations, plain_answer, stored_or_given, user_answer
from api.http.answer_models import BatchAnswer
from api.http.problems import RequestError, problem_json, unknown_user
from api.http.request_models import BatchRequest
from api.http.requests import json_body
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.pinning import arm_to_count
from api.lists.store import Store, UserLists
from api.lists.view import View
from api.metrics.counters import Metrics
from contract.experiments.arms import ERROR, LISTED, UNKNOWN, WITHOUT, ArmPointer, Arms, arm_of
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

Count = Callable[[Sequence[Sequence[Id] | None]], None]


@dataclass(frozen=True, slots=True)
class BatchRoutes:
    store: Store
    metrics: Metrics
    caching: Caching

    def routes(self) -> list[Route]:
        return [
            Route(
                "POST",
                "/recommendations/batch",
                self.batch,
                "Lists of up to 1,000 users",
                answer=BatchAnswer,
                body=BatchRequest,
                errors=(409,),
            )
        ]

    def batch(self) -> Response:
        asked = json_body(BatchRequest)
        view = self.store.pointers.current()
        if view.arms is None:
            pointer, results = self.answered(asked, view)
        else:
            pointer, results = view.pointer, iter(self.by_arm(asked, view, view.arms))
        body = ",".join(results)
        return of_generation(f'{{{generation_json(pointer)},"results":[{body}]}}\n', pointer, self.caching)

    def by_arm(self, asked: BatchRequest, view: View, arms: Arms) -> list[str]:
        """Each user's result from the generation of the user's arm, which it names: a round trip an arm."""
        results = [""] * len(asked.user_ids)
        parts: dict[str, tuple[ArmPointer, list[int]]] = {}
        for at, user in enumerate(asked.user_ids):
            own = arms.of_user(user)
            parts.setdefault(own.arm, (own, []))[1].append(at)
        for pointer, places in parts.values():
            part = asked.model_copy(update={"user_ids": [asked.user_ids[at] for at in places]})
            for at, result in zip(places, self.counted(part, view._replace(pointer=pointer), pointer.arm), strict=True):
                results[at] = result
        return results

    def counted(self, asked: BatchRequest, view: View, arm: str) -> list[str]:
        try:
            return list(self.answered(asked, view, says=True)[1])
        except RequestError:
            raise
        except Exception:
            self.metrics.arm(arm, ERROR, len(asked.user_ids))
            raise

    def answered(self, asked: BatchRequest, view: View, *, says: bool = False) -> tuple[Pointer, Iterator[str]]:
        """Results, and how they were read. `says`: each list names its generation."""
        found = self.read(asked, view)
        if not all(found.lists) and (newest := _newest(view, found)).pointer.generation != view.pointer.generation:
            found = self.read(asked, newest)  # a generation that has just been left may be pruned, or may not know a user yet
        view, pointer = found.view, found.view.pointer
        if asked.explain:
            need_explanations(pointer)
        n_unknown = sum(one is None for one in found.lists)
        self.metrics.batch_users.inc(len(found.lists))
        self.metrics.unknown_users.inc(n_unknown)
        chain = chain_of(self.store, asked)
        is_whole = not n_unknown and (not chain or all(one and len(one.item_ids) >= (asked.k or pointer.k) for one in found.lists))
        more = f",{generation_json(pointer)}" if says else ""
        count = partial(_count, self.metrics, arm, asked.user_ids) if (arm := arm_to_count(pointer)) else None
        if is_plain(asked) and is_whole:
            if count is not None:
                count([one and one.item_ids for one in found.lists])
            return pointer, _plain_results(pointer, asked, found, more)
        return pointer, _results(self.store, view, asked, found, Filler(self.store, asked, view, self.metrics.fell_back), more, count)

    def read(self, asked: BatchRequest, view: View) -> UserLists:
        most = (asked.k or view.pointer.k) if is_plain(asked) else None
        return self.store.user_lists(view, asked.user_ids, explain=asked.explain, most=most)


def _newest(view: View, found: UserLists) -> View:
    """What is to be read now in place of `view`."""
    if not (arm := arm_of(view.pointer)):
        return found.newest
    arms = found.newest.arms
    pointer = None if arms is None else arms.whole or arms.named(arm)
    return view if pointer is None else found.newest._replace(pointer=pointer)


def _count(metrics: Metrics, arm: str, users: Sequence[Id], listed: Sequence[Sequence[Id] | None]) -> None:
    """`listed`: the items of each user; None for who has no list."""
    empty = [user for user, ids in zip(users, listed, strict=True) if ids is not None and not ids]
    metrics.arm(arm, UNKNOWN, sum(ids is None for ids in listed))
    metrics.arm(arm, WITHOUT, len(empty), empty)
    metrics.arm(arm, LISTED, sum(bool(ids) for ids in listed))


def _plain_results(pointer: Pointer, asked: BatchRequest, found: UserLists, more: str) -> Iterator[str]:
    k = asked.k or pointer.k
    for user_id, one in zip(found.user_ids, found.lists, strict=True):
        if user_id is not None and one is not None:
            yield f"{{{plain_answer(user_id, one, k)}{more}}}"


def _results(
    store: Store, view: View, asked: BatchRequest, found: UserLists, filler: Filler, more: str, count: Count | None
) -> Iterator[str]:
    """A list or an error for each user. Metadata of all of them takes one round trip."""
    choices = [
        None if one is None and not filler.chain else filler.choose(one or EMPTY._replace(fresh=did))
        for one, did in zip(found.lists, found.did, strict=True)
    ]
    if count is not None:
        count([choice and choice[1].item_ids for choice in choices])
    described = describe(store, view, asked, [choice[1] for choice in choices if choice is not None])
    unknown = problem_json(unknown_user()).strip()
    for given, one, choice in zip(asked.user_ids, found.lists, choices, strict=True):
        user_id = stored_or_given(given, view.pointer)
        if choice is None:
            yield f'{{"user_id":{id_json(user_id)},"problem":{unknown}}}'
        else:
            whole, chosen = choice
            source = filler.source_of(whole, filler.chain[0] if one is None else PERSONALIZED)
            yield f"{{{user_answer(asked, user_id, whole, chosen, described, source)}{more}}}"
