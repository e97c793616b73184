"""What is told of feeds: what was read of each, what was refused, and how much of it waits there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from redis import Redis

from contract.formats.keys import Keys

UNKNOWN = -1


class FeedState(NamedTuple):
    """`lag`: messages that are not read or not done with, UNKNOWN where the server does not say; `is_up`: whether it answered last."""

    name: str
    read: int
    refused: int
    lag: int
    is_up: bool


def tell(redis: Redis, keys: Keys, name: str, *, read: int = 0, refused: int = 0, lag: int = UNKNOWN, is_up: bool = True) -> None:
    """Add to the counts of a feed, and say how it is now."""
    key = keys.events("feeds")
    with redis.pipeline(transaction=False) as pipe:
        if read:
            pipe.hincrby(key, f"read {name}", read)
        if refused:
            pipe.hincrby(key, f"refused {name}", refused)
        pipe.hset(key, mapping={f"lag {name}": lag, f"up {name}": int(is_up)})
        pipe.execute()


def told_of(redis: Redis, keys: Keys, names: Sequence[str]) -> list[FeedState]:
    """Of each feed; one that was never read is down."""
    fields = [f"{what} {name}" for name in names for what in ("read", "refused", "lag", "up")]
    values = cast("list[bytes | None]", redis.hmget(keys.events("feeds"), fields)) if fields else []
    found = []
    for at, name in enumerate(names):
        read, refused, lag, is_up = values[4 * at : 4 * at + 4]
        found.append(FeedState(name, int(read or 0), int(refused or 0), int(UNKNOWN if lag is None else lag), is_up == b"1"))
    return found
