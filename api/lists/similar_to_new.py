"""Similar items of an item that is newer than the generation: by content, as `larder items` has written them."""

from __future__ import annotations

from typing import cast

from api.lists.store import Store, StoredList
from api.lists.view import View
from contract.formats import payload
from contract.formats.keys import Id


def similar_to_new(store: Store, view: View, item_id: Id) -> StoredList | None:
    """None for an item that the table of items does not know either. Asks Redis only where the revision of the items has such lists."""
    items, unavailable = view.items.pointer, view.unavailable
    if items is None or not items.n_alike:
        return None
    key = store.keys.alike(str(items.revision))
    raw = store.breaker.ask(lambda redis: cast("bytes | None", redis.hget(key, str(item_id))))
    if raw is None:
        return None
    ids, scores = payload.decode(raw)
    left = [at for at, each in enumerate(ids) if each not in unavailable]
    return StoredList([ids[at] for at in left], [scores[at] for at in left])
