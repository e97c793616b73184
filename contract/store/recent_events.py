"""What users do, kept by user for a while: for whoever answers the next request, and for whoever makes the user's list anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from redis import Redis

from contract.formats.events import DISLIKES, SHOWN, Event, decode
from contract.formats.freshness import field_of, is_list, pairs_of, remade_fields
from contract.formats.keys import Id, Keys
from contract.settings.events import EventSettings

DAY_S = 86_400


def remember(redis: Redis, keys: Keys, settings: EventSettings, events: Iterable[Event], at_us: int) -> None:
    """Enter what events say of items; once more is the same. A user has at most `fresh_items` of each, the newest, for `fresh_days`."""
    fields: dict[str, dict[Any, Any]] = {}
    users: dict[str, int] = {}
    for place, event in enumerate(event for event in events if event.type not in SHOWN):
        did = json.dumps([at_us, place, event.encode().decode()])
        fields.setdefault(keys.did(event.user_id), {})[event.event_id] = did
        if _takes(event.type, settings):
            fields.setdefault(keys.fresh(event.user_id), {})[field_of(event.item_id)] = at_us
        users[str(event.user_id)] = at_us
    if not users:
        return
    with redis.pipeline(transaction=False) as pipe:
        for key, values in fields.items():
            pipe.hset(key, mapping=values)
            pipe.expire(key, settings.fresh_days * DAY_S)
            pipe.hlen(key)
        pipe.zadd(keys.events("active"), cast(Any, users))
        pipe.zadd(keys.events("due"), cast(Any, users))
        lengths = cast("list[int]", pipe.execute()[2 : 3 * len(fields) : 3])
    for key, length in zip(fields, lengths, strict=True):
        if length > settings.fresh_items:
            _shorten(redis, key, settings.fresh_items, is_did=key.startswith(keys.did("")))


def _takes(kind: str, settings: EventSettings) -> bool:
    """Whether an item leaves the list by an event of this type: with a target by it alone, and by a dislike."""
    target = getattr(settings, "target", "")
    return kind in (target, *DISLIKES) if target else kind not in settings.looks


def did_since(redis: Redis, keys: Keys, users: Sequence[str], since_us: int) -> Mapping[str, tuple[int, list[Event]]]:
    """What each user did after `since_us`, in the order in which it came, and when the newest of it did; only who did something."""
    with redis.pipeline(transaction=False) as pipe:
        for user in users:
            pipe.hvals(keys.did(user))
        answers = cast("list[list[bytes]]", pipe.execute())
    found: dict[str, tuple[int, list[Event]]] = {}
    for user, values in zip(users, answers, strict=True):
        rows = sorted(row for value in values if (row := json.loads(value))[0] > since_us)
        if rows:
            found[user] = (int(rows[-1][0]), [decode(row[2].encode()) for row in rows])
    return found


def enter_list(
    redis: Redis, keys: Keys, settings: EventSettings, user: str, kept: Sequence[str], at_us: int, payload: bytes, why: bytes | None
) -> None:
    """Write a list that was made anew for the first of `kept`; lists that were made for other generations than these go."""
    key, names = keys.fresh(user), {name.encode() for name in kept}
    left = [field for field in cast("list[bytes]", redis.hkeys(key)) if is_list(field) and field[1:] not in names]
    with redis.pipeline(transaction=False) as pipe:
        if left:
            pipe.hdel(key, *left)
        pipe.hset(key, mapping=cast(Any, remade_fields(kept[0], at_us, payload, why)))
        pipe.expire(key, settings.fresh_days * DAY_S)
        pipe.execute()


def forget(redis: Redis, keys: Keys, user_id: Id) -> None:
    for key in (keys.events("active"), keys.events("due")):
        redis.zrem(key, str(user_id))
    for key in (keys.did(user_id), keys.fresh(user_id)):
        redis.delete(key)


def _shorten(redis: Redis, key: str, n: int, *, is_did: bool) -> None:
    """Leave the newest `n` of what a user did."""
    pairs = pairs_of(cast("dict[bytes, bytes]", redis.hgetall(key)))
    pairs = [pair for pair in pairs if is_did or not is_list(pair[0])]
    pairs.sort(key=lambda pair: json.loads(pair[1])[:2] if is_did else [int(pair[1])])
    if oldest := [field for field, _ in pairs[:-n]]:
        redis.hdel(key, *oldest)
