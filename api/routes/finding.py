"""The routes that find items and users."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Response

from api.answers.audience import audience_of, users_json
from api.answers.finding import find_items, find_users
from api.answers.item_answers import unknown_item
from api.answers.json_text import generation_json, id_json
from api.http.answer_models import Audience, FoundUsers
from api.http.problems import RequestError, store_unavailable
from api.http.request_models import AudienceQuery, ItemRequest, ItemsQuery, UsersQuery
from api.http.requests import parse, query
from api.http.responses import plain
from api.http.route import Route
from api.lists.store import Store
from api.lists.view import View
from contract.formats.ids import stored_id
from contract.formats.manifest import Pointer


def found_items(store: Store, view: View, asked: ItemsQuery) -> str:
    """Members of the answer. Raises RequestError where the items have no index."""
    found = find_items(store, view, asked)
    if found is None:
        raise RequestError(_why_not_found(view), 409, "No index")
    items = ",".join(
        f'{{"item_id":{id_json(item_id)},"rank":{rank},"metadata":{metadata.decode()}}}'
        for rank, (item_id, metadata) in enumerate(zip(found.item_ids, store.metadata(view, found.item_ids), strict=True), asked.offset + 1)
    )
    said = {
        "corrected": found.is_corrected,
        "short": found.is_short,
        "beyond": found.is_short and asked.offset and not found.item_ids,
        "partial": found.is_partial,
    }
    return "".join(f'"{name}":true,' for name, holds in said.items() if holds) + f'"items":[{items}]'


def _why_not_found(view: View) -> str:
    """What is missing to find items, and what to do."""
    items = view.items.pointer
    if items is None:
        return "No table of items is served: name one as LARDER_ITEMS, and run `larder items`."
    if not items.n_items:
        return "The table of items that is served has no rows: name one that has as LARDER_ITEMS, and run `larder items`."
    return "The items that are served have no index to be found by: set LARDER_FIND_ITEMS, and run `larder items`."


@dataclass(frozen=True, slots=True)
class FindingRoutes:
    store: Store

    def routes(self) -> list[Route]:
        summary, of_item = "Users by the beginning of their id", "Users for whom an item is"
        return [
            Route("GET", "/users", self.users, summary, FoundUsers, query=UsersQuery, errors=(409,), tag="Users"),
            Route(
                "GET", "/items/<item_id>/users", self.users_of_item, of_item, Audience, query=AudienceQuery, errors=(404, 409), tag="Items"
            ),
        ]

    def users(self) -> Response:
        asked = query(UsersQuery)
        pointer = self.store.pointers.current().pointer
        names = self.names_of(pointer, asked)
        if not names:  # the generation may just have been pruned, or may not have them yet
            newest = self.store.pointers.follow().pointer
            if newest.generation != pointer.generation:
                pointer, names = newest, self.names_of(newest, asked)
        if not pointer.finds_users:
            raise RequestError("The current generation has no index of users: train with LARDER_FIND_USERS.", 409, "No index")
        if names is None:
            raise store_unavailable("Redis has lost the index of users of this generation: the next run writes it anew (`larder run`).")
        k = asked.k or pointer.k
        ids = [stored_id(name, pointer.user_id_type) for name in names[:k]]
        shown = ",".join(str(id_json(user_id)) for user_id in ids if user_id is not None)
        following = f',"next":{json.dumps(names[k - 1])}' if len(names) > k else ""
        return plain(f'{{"user_ids":[{shown}]{following},{generation_json(pointer)}}}\n')

    def names_of(self, pointer: Pointer, asked: UsersQuery) -> list[str] | None:
        """One more than asked for, where there are more."""
        return find_users(self.store, pointer, asked.prefix, (asked.k or pointer.k) + 1, asked.after)

    def users_of_item(self, item_id: str) -> Response:
        asked = query(AudienceQuery)
        given = parse(ItemRequest, {"item_id": item_id}).item_id
        seen = self.store.pointers.find_in_current(
            lambda view: audience_of(self.store, view.pointer, given, asked.k or view.pointer.audience_depth)
        )
        if seen is None:
            raise unknown_item()
        view, (found, users, scores) = seen
        return plain(f'{{"item_id":{id_json(found)},"users":{users_json(users, scores)},{generation_json(view.pointer)}}}\n')
