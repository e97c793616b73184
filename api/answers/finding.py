"""Finds items by words of their titles and by category, and users by the beginning of their id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from redis import Redis

from api.answers.item_filter import item_filter_of
from api.finding.search import Search
from api.http.request_models import ItemsQuery
from api.lists.store import Store
from api.lists.view import View
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.formats.titles import words_of


@dataclass(frozen=True, slots=True)
class Found:
    """Items of a page."""

    item_ids: list[Id]
    is_short: bool
    is_corrected: bool
    is_partial: bool


def find_items(store: Store, view: View, asked: ItemsQuery) -> Found | None:
    """None where the items have no index. Raises RequestError for a filter that makes no sense."""
    titles = store.titles.of(view.items)
    if titles is None:
        return None
    item_filter = item_filter_of(view, asked.filter)
    search = Search(titles, None if asked.q is None else words_of(asked.q), asked.category)
    unavailable, k = view.unavailable, asked.k or view.pointer.k
    found: list[Id] = []
    n_passed = 0
    for row in search.rows():
        item_id = stored_id(titles.id_of(row), view.pointer.item_id_type)
        if item_id is None or item_id in unavailable or (item_filter is not None and not item_filter.passes(item_id)):
            continue
        n_passed += 1
        if n_passed > asked.offset:
            found.append(item_id)
            if len(found) == k:
                break
    is_short = len(found) < k
    return Found(found, is_short, search.is_corrected, is_short and search.is_partial)


def find_users(store: Store, pointer: Pointer, beginning: str, most: int, after: Id | None = None) -> list[str] | None:
    """Ids, as texts, that begin so and come after `after`; none where the generation does not have them in order; None where they are
    gone, lost or just pruned.

    What Redis does for it grows with the page, not with the users.
    """
    if not pointer.finds_users:
        return []
    first, last = beginning.encode(), b"" if after is None else str(after).encode()
    least = b"[" + first if last < first else b"(" + last
    key = store.keys.names(pointer.generation)

    def read(redis: Redis) -> list[bytes] | None:
        found = cast("list[bytes]", redis.zrangebylex(key, least, b"(" + first + b"\xff", start=0, num=most))
        return found if found or not pointer.n_users or redis.exists(key) else None

    found = store.breaker.ask(read)
    return None if found is None else [name.decode() for name in found]
