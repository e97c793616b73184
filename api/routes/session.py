"""A list for a visitor without history: SAR's own sum, over the stored similar items of what the visitor has met."""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response

from api.answers.filling import Filler
from api.answers.item_answers import need_similar
from api.answers.json_text import generation_json
from api.answers.selection import describe, render
from api.http.answer_models import SessionAnswer
from api.http.request_models import SessionRequest
from api.http.requests import json_body
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.store import Store, StoredList
from api.lists.view import View
from api.metrics.counters import Metrics
from contract.formats.ids import stored_id
from contract.formats.keys import Id


@dataclass(frozen=True, slots=True)
class SessionRoutes:
    store: Store
    metrics: Metrics
    caching: Caching

    def routes(self) -> list[Route]:
        summary = "A list for a visitor without history"
        return [Route("POST", "/recommendations/session", self.session, summary, answer=SessionAnswer, body=SessionRequest, errors=(409,))]

    def session(self) -> Response:
        asked = json_body(SessionRequest)
        view = self.store.pointers.current()
        need_similar(view.pointer)
        weights, similar = _read(self.store, view, asked)
        if not any(similar) and (newest := self.store.pointers.follow()).pointer.generation != view.pointer.generation:
            view, (weights, similar) = newest, _read(self.store, newest, asked)
        pointer = view.pointer
        k = asked.offset + (asked.k or pointer.k)
        filler = Filler(self.store, asked, view, self.metrics.fell_back, but=frozenset(weights))
        found = rank_by_similarity_sum(list(weights.values()), similar, filler.excluded, None if filler.filters else k)
        found, chosen = filler.choose(found)
        source = filler.source_of(found, "session")
        unknown = [item_id for item_id, one in zip(weights, similar, strict=True) if one is None]
        members = render(asked, chosen, describe(self.store, view, asked, (chosen,)))
        return of_generation(
            f'{{"source":"{source}","unknown_items":{json.dumps(unknown)},{members},{generation_json(pointer)}}}\n', pointer, self.caching
        )


def _read(store: Store, view: View, asked: SessionRequest) -> tuple[dict[Id, float], list[StoredList | None]]:
    """Weights by item, those of an item that stands twice added up, and each item's similar items."""
    weights: dict[Id, float] = {}
    for item in asked.items:
        item_id = stored_id(item.item_id, view.pointer.item_id_type)
        key = item.item_id if item_id is None else item_id
        weights[key] = weights.get(key, 0.0) + item.weight
    return weights, store.similar(view, list(weights))


def rank_by_similarity_sum(
    weights: Sequence[float], similar: Sequence[StoredList | None], excluded: frozenset[Id], n: int | None
) -> StoredList:
    """The `n` items, None for all, with the greatest sum of weight times similarity; ties in the order of ids."""
    sums: dict[Id, float] = {}
    for weight, found in zip(weights, similar, strict=True):
        if found is not None:
            for item_id, similarity in zip(found.item_ids, found.scores, strict=True):
                sums[item_id] = sums.get(item_id, 0.0) + weight * similarity
    left = [(-total, item_id) for item_id, total in sums.items() if item_id not in excluded]
    best = sorted(left) if n is None else heapq.nsmallest(n, left)
    return StoredList([item_id for _, item_id in best], [-total for total, _ in best])
