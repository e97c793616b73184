"""Routes about items: what they are, what is like them, what is popular."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response
from pydantic import BaseModel

from api.answers.filling import Filler
from api.answers.item_answers import need_similar, unknown_item
from api.answers.json_text import generation_json, id_json
from api.answers.selection import Selection, describe, render
from api.http.answer_models import FoundItems, ItemAnswer, PopularAnswer, SimilarAnswer
from api.http.problems import RequestError
from api.http.request_models import ItemRequest, ItemsQuery, ListOptions, ListQuery, NoOptions, SimilarQuery, SimilarRequest
from api.http.requests import parse, query, query_fields
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.similar_to_new import similar_to_new
from api.lists.store import POPULAR, Store, StoredList
from api.lists.view import View
from api.metrics.counters import Metrics
from api.routes.finding import found_items
from contract.formats.ids import stored_id
from contract.formats.incoming.strict import RequestModel
from contract.formats.keys import Id
from contract.store.lists import Listed


@dataclass(frozen=True, slots=True)
class ItemRoutes:
    store: Store
    metrics: Metrics
    caching: Caching

    def routes(self) -> list[Route]:
        return [
            self.route("/popular", self.popular, "The popular items", ListQuery, PopularAnswer),
            self.route("/items", self.item_by_query, "Items by title or category, or one item", ItemsQuery, ItemAnswer),
            self.route("/items/<item_id>", self.item_by_path, "An item, by path", NoOptions, ItemAnswer),
            self.route("/similar", self.similar_by_query, "Similar items", SimilarRequest, SimilarAnswer),
            self.route("/items/<item_id>/similar", self.similar_by_path, "Similar items, by path", SimilarQuery, SimilarAnswer),
        ]

    def item_by_path(self, item_id: str) -> Response:
        query(NoOptions)
        return self.item(parse(ItemRequest, {"item_id": item_id}))

    def item_by_query(self) -> Response:
        asked = query(ItemsQuery)
        if asked.item_id is None:
            view = self.store.pointers.current()
            return self.respond(found_items(self.store, view, asked), view)
        if len(asked.model_fields_set) > 1:
            raise RequestError("item_id names one item: leave out what else is asked, or item_id.", 404, "Item not found")
        return self.item(ItemRequest(item_id=asked.item_id))

    def item(self, asked: ItemRequest) -> Response:
        seen = self.store.pointers.find_in_current(lambda view: self.store.item(view, asked.item_id))
        if seen is None:
            raise unknown_item()
        view, (item_id, metadata) = seen
        available = json.dumps(item_id not in view.unavailable)
        return self.respond(f'"item_id":{id_json(item_id)},"available":{available},"metadata":{metadata.decode()}', view)

    def similar_by_path(self, item_id: str) -> Response:
        options = query_fields(SimilarQuery)
        parse(SimilarQuery, options)
        return self.similar(parse(SimilarRequest, options | {"item_id": item_id}))

    def similar_by_query(self) -> Response:
        return self.similar(query(SimilarRequest))

    def similar(self, asked: SimilarRequest) -> Response:
        need_similar(self.store.pointers.current().pointer)
        seen = self.store.pointers.find_in_current(lambda view: _similar(self.store, view, asked.item_id))
        if seen is None:
            raise unknown_item()
        view, (item_id, found) = seen
        filler = Filler(self.store, asked, view, self.metrics.fell_back, but=frozenset((item_id,)))
        return self.respond(f'"item_id":{id_json(item_id)},{self.shown(asked, view, filler.choose(found)[1])}', view)

    def popular(self) -> Response:
        asked = query(ListQuery)
        view = self.store.pointers.current()
        chosen = self.chosen_popular(asked, view)
        if not chosen.item_ids and (newest := self.store.pointers.follow()).pointer.generation != view.pointer.generation:
            view, chosen = newest, self.chosen_popular(asked, newest)  # that of before may just have been pruned
        return self.respond(f'"source":"popular",{self.shown(asked, view, chosen)}', view)

    def chosen_popular(self, asked: ListQuery, view: View) -> Selection:
        return Filler(self.store, asked, view, self.metrics.fell_back).choose_named(Listed(POPULAR))[1]

    def respond(self, members: str, view: View) -> Response:
        return of_generation(f"{{{members},{generation_json(view.pointer)}}}\n", view.pointer, self.caching, view.items.tag)

    def shown(self, asked: ListOptions, view: View, chosen: Selection) -> str:
        return render(asked, chosen, describe(self.store, view, asked, (chosen,)))

    def route(self, path: str, view: Callable[..., Response], summary: str, query: type[RequestModel], answer: type[BaseModel]) -> Route:
        errors = (409,) if answer is PopularAnswer else (404,) if view is self.item_by_path else (404, 409)
        return Route("GET", path, view, summary, answer, query=query, errors=errors, tag="Items", or_else=self.found_by(query))

    def found_by(self, query: type[RequestModel]) -> type[BaseModel] | None:
        return FoundItems if query is ItemsQuery else None


def _similar(store: Store, view: View, given: Id) -> tuple[Id, StoredList] | None:
    item_id = stored_id(given, view.pointer.item_id_type)
    if item_id is None:
        return None
    (found,) = store.similar(view, [item_id])
    if found is None:
        found = similar_to_new(store, view, item_id)
    return None if found is None else (item_id, found)
