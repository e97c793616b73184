"""Finding items by words of their titles and by category, and users by the beginning of their id."""

from __future__ import annotations

import json
from typing import cast

from flask import Response
from redis import Redis

from api.answers.json_text import generation_json, id_json
from api.answers.sieve import sieve_of
from api.finding.search import Search
from api.http.answer_models import FoundUsers
from api.http.problems import RequestError
from api.http.request_models import ItemsQuery, UsersQuery
from api.http.requests import query
from api.http.responses import plain
from api.http.route import Route
from api.lists.store import Store
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.formats.titles import words_of


def found_items(store: Store, pointer: Pointer, asked: ItemsQuery) -> str:
    """Members of the answer. Raises RequestError where the items have no index."""
    shelf = store.pointers.shelf
    titles = store.titles.of(shelf)
    if titles is None:
        raise RequestError(
            "The items that are served have no index to be found by: set LARDER_FIND_ITEMS, and run `larder items`.", 409, "No index"
        )
    sieve = sieve_of(store, pointer, asked.filter)
    search = Search(titles, None if asked.q is None else words_of(asked.q), asked.category)
    unavailable, k = shelf.unavailable_of(pointer), asked.k or pointer.k
    found: list[Id] = []
    n_passed = 0
    for row in search.rows():
        item_id = stored_id(titles.id_of(row), pointer.item_id_type)
        if item_id is None or item_id in unavailable or (sieve is not None and not sieve.passes(item_id)):
            continue
        n_passed += 1
        if n_passed > asked.offset:
            found.append(item_id)
            if len(found) == k:
                break
    items = ",".join(
        f'{{"item_id":{id_json(item_id)},"rank":{asked.offset + at},"metadata":{metadata.decode()}}}'
        for at, (item_id, metadata) in enumerate(zip(found, store.metadata(pointer, found, shelf), strict=True), 1)
    )
    short = len(found) < k
    said = {
        "corrected": search.is_corrected,
        "short": short,
        "beyond": short and asked.offset and not found,
        "partial": short and search.is_partial,
    }
    return "".join(f'"{name}":true,' for name, holds in said.items() if holds) + f'"items":[{items}]'


def routes(store: Store) -> list[Route]:
    def users() -> Response:
        asked = query(UsersQuery)
        pointer = store.pointers.current()
        names = _names(store, pointer, asked)
        if not names:  # the generation may just have been pruned, or may not have them yet
            newest = store.pointers.follow()
            if newest.generation != pointer.generation:
                pointer, names = newest, _names(store, newest, asked)
        if not pointer.finds_users:
            raise RequestError("The current generation has no index of users: train with LARDER_FIND_USERS.", 409, "No index")
        k = asked.k or pointer.k
        ids = [stored_id(name.decode(), pointer.user_id_type) for name in names[:k]]
        shown = ",".join(str(id_json(user_id)) for user_id in ids if user_id is not None)
        following = f',"next":{json.dumps(names[k - 1].decode())}' if len(names) > k else ""
        return plain(f'{{"user_ids":[{shown}]{following},{generation_json(pointer)}}}\n')

    summary = "Users by the beginning of their id"
    return [Route("GET", "/users", users, summary, FoundUsers, query=UsersQuery, errors=(409,), tag="Users")]


def _names(store: Store, pointer: Pointer, asked: UsersQuery) -> list[bytes]:
    """Ids of a page, and one more where there are more: what Redis does for it grows with the page, not with the users."""
    if not pointer.finds_users:
        return []
    prefix = asked.prefix.encode()
    after = b"" if asked.after is None else str(asked.after).encode()
    least = b"[" + prefix if after < prefix else b"(" + after
    key, most = store.keys.names(pointer.generation), (asked.k or pointer.k) + 1

    def read(redis: Redis) -> list[bytes]:
        return cast("list[bytes]", redis.zrangebylex(key, least, b"(" + prefix + b"\xff", start=0, num=most))

    return store.breaker.ask(read)
