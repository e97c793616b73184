"""How full the store is, and what waits in it: what a look at everything does without where it can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from redis import Redis

from api.web.site import Site
from contract.errors import LarderError
from contract.formats.manifest import Pointer
from contract.store.event_stream import events_in
from contract.store.lists import spread
from contract.store.streams.feeds import FeedState, told_of
from contract.store.streams.stream import Waiting

UNPACKED = b"hashtable"
LOOKED_AT = 4


def memory(site: Site) -> Mapping[str, Any]:
    """INFO may be forbidden; then the page does without."""
    try:
        return site.store.breaker.ask(lambda redis: redis.info("memory"))
    except LarderError:
        return {}


def is_unpacked(site: Site, pointer: Pointer | None) -> bool:
    """Whether some of the buckets that are served lie unpacked, since a limit of the server is too low. False where nobody may look."""
    if pointer is None:
        return False
    keys, name = site.store.keys, pointer.generation

    def look(redis: Redis) -> list[bytes | None]:
        with redis.pipeline(transaction=False) as pipe:
            for bucket in spread(pointer.n_user_buckets, LOOKED_AT):
                pipe.object("ENCODING", keys.recs(name, bucket))
            return cast("list[bytes | None]", pipe.execute())

    try:
        return UNPACKED in site.store.breaker.ask(look)
    except LarderError:
        return False


def events(site: Site) -> Waiting | None:
    """None where events are off, or can't be read."""
    if not site.settings.events:
        return None
    try:
        return site.store.breaker.ask(lambda redis: events_in(redis, site.store.keys).waiting())
    except LarderError:
        return None


def feeds(site: Site) -> list[FeedState]:
    """None of them where none is read, or that can't be asked."""
    names = [feed.name for feed in site.settings.feeds]
    if not names:
        return []
    try:
        return site.store.breaker.ask(lambda redis: told_of(redis, site.store.keys, names))
    except LarderError:
        return []
