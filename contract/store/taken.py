"""Items that a user takes or turns down, kept by user for whoever answers that user's next request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from redis import Redis

from contract.formats.events import Event
from contract.formats.freshness import field_of, pairs_of
from contract.formats.keys import Id, Keys
from contract.settings.events import EventSettings

DAY_S = 86_400


def remember(redis: Redis, keys: Keys, settings: EventSettings, events: Iterable[Event], at_ms: int) -> None:
    """Enter what events say of items; once more is the same. A user has at most `fresh_items`, the newest, for `fresh_days`."""
    looks = settings.looks
    fields: dict[str, dict[bytes, int]] = {}
    for event in events:
        if event.type not in looks:
            fields.setdefault(keys.fresh(event.user_id), {})[field_of(event.item_id)] = at_ms
    with redis.pipeline(transaction=False) as pipe:
        for key, taken in fields.items():
            pipe.hset(key, mapping=cast(Any, taken))
            pipe.expire(key, settings.fresh_days * DAY_S)
            pipe.hlen(key)
        lengths = cast("list[int]", pipe.execute()[2::3])
    for key, length in zip(fields, lengths, strict=True):
        if length > settings.fresh_items:
            _shorten(redis, key, settings.fresh_items)


def forget(redis: Redis, keys: Keys, user_id: Id) -> None:
    redis.delete(keys.fresh(user_id))


def _shorten(redis: Redis, key: str, n: int) -> None:
    pairs = sorted(pairs_of(cast("dict[bytes, bytes]", redis.hgetall(key))), key=lambda pair: int(pair[1]))
    if oldest := [field for field, _ in pairs[:-n]]:
        redis.hdel(key, *oldest)
