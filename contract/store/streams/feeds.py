"""What is told of feeds: what was read of each, what was refused, and how much of it waits there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from redis import Redis

from contract.formats.keys import Keys

UNKNOWN = -1
STALE_S = 30
"""What was said so long ago counts no more: who reads a feed speaks every second or two."""


class FeedState(NamedTuple):
    """`lag`: messages that are not read or not done with, UNKNOWN where nobody says; `is_up`: whether its server has just answered."""

    name: str
    read: int
    refused: int
    lag: int
    is_up: bool


def tell(redis: Redis, keys: Keys, name: str, *, read: int = 0, refused: int = 0, lag: int = UNKNOWN, is_up: bool = True) -> None:
    """Add to the counts of a feed, and say how it is now."""
    key, (now, _) = keys.events("feeds"), redis.time()
    with redis.pipeline(transaction=False) as pipe:
        if read:
            pipe.hincrby(key, f"read {name}", read)
        if refused:
            pipe.hincrby(key, f"refused {name}", refused)
        pipe.hset(key, mapping={f"lag {name}": lag, f"answered {name}": now if is_up else 0})
        pipe.execute()


def told_of(redis: Redis, keys: Keys, names: Sequence[str]) -> list[FeedState]:
    """Of each feed; one that was never read, or that nobody has read for a while, is down."""
    if not names:
        return []
    fields = [f"{what} {name}" for name in names for what in ("read", "refused", "lag", "answered")]
    values = cast("list[bytes | None]", redis.hmget(keys.events("feeds"), fields))
    now, _ = redis.time()
    found = []
    for at, name in enumerate(names):
        read, refused, lag, answered = values[4 * at : 4 * at + 4]
        is_up = now - int(answered or 0) <= STALE_S
        found.append(FeedState(name, int(read or 0), int(refused or 0), int(lag) if lag is not None and is_up else UNKNOWN, is_up))
    return found
