"""How full the store is, and what waits in it: what a look at everything does without where it can't be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from redis import Redis

from api.web.context import PageContext
from contract.errors import LarderError
from contract.formats.manifest import Pointer
from contract.store.condition import disk_trouble, memory_of, persistence_of
from contract.store.event_stream import events_in
from contract.store.lists import spread
from contract.store.streams.feeds import FeedState, told_of
from contract.store.streams.stream import Waiting

UNPACKED = b"hashtable"
LOOKED_AT = 4


def memory(context: PageContext) -> Mapping[str, Any]:
    """What INFO says of it."""
    return _told(context, memory_of)


def disk(context: PageContext) -> str:
    """What Redis could not write to its disk; "" where it could, or nobody may look."""
    return disk_trouble(_told(context, persistence_of))


def _told(context: PageContext, look: Callable[[Redis], dict[str, Any]]) -> dict[str, Any]:
    """Nothing where Redis is away, or nobody may look: the page does without."""
    try:
        return context.store.breaker.ask(look)
    except LarderError:
        return {}


def is_unpacked(context: PageContext, pointer: Pointer | None) -> bool:
    """Whether some of the buckets that are served lie unpacked, since a limit of the server is too low. False where nobody may look."""
    if pointer is None:
        return False
    keys, name = context.store.keys, pointer.generation

    def look(redis: Redis) -> list[bytes | None]:
        with redis.pipeline(transaction=False) as pipe:
            for bucket in spread(pointer.n_user_buckets, LOOKED_AT):
                pipe.object("ENCODING", keys.recs(name, bucket))
            return cast("list[bytes | None]", pipe.execute())

    try:
        return UNPACKED in context.store.breaker.ask(look)
    except LarderError:
        return False


def events(context: PageContext) -> Waiting | None:
    """None where events are off, or can't be read."""
    if not context.settings.events:
        return None
    try:
        return context.store.breaker.ask(lambda redis: events_in(redis, context.store.keys).waiting())
    except LarderError:
        return None


def feeds(context: PageContext) -> list[FeedState]:
    """None of them where none is read, or that can't be asked."""
    names = [feed.name for feed in context.settings.feeds]
    if not names:
        return []
    try:
        return context.store.breaker.ask(lambda redis: told_of(redis, context.store.keys, names))
    except LarderError:
        return []
