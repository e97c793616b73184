"""The stream of events that are not in files yet: what comes in is there once Redis has it, and goes once a file has it.

Its length is bounded: what would be too much, or comes while the oldest event has waited for too long, is refused as a whole. Redis
writes its append-only file before it answers, and flushes it every second (appendfsync everysec): a Redis that is killed has lost
nothing, but where the disk was so slow that a write was put off, up to 2 s; a machine that fails loses up to 2 s. With appendfsync
always nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple, cast

from redis import Redis
from redis.exceptions import NoScriptError, ResponseError

from contract.errors import StoreFullError
from contract.formats.events import FIELD, Event, decode, digest_of
from contract.formats.keys import Id, Keys
from contract.settings.events import MIB, EventSettings

PER_CALL = 1000
NOTHING = "0-0"
ENTRY_BYTES = 32  # as the scripts count what an entry takes besides its own


class EventsFullError(StoreFullError):
    """No event was taken. `str(error)` says why."""

    transient = True


class Waiting(NamedTuple):
    """Events that are in no file. `oldest_s`: how long the first of them has waited; counts since the stream began."""

    n: int
    n_bytes: int
    oldest_s: float
    accepted: int
    repeated: int
    refused: int
    written: int


def push(redis: Redis, keys: Keys, settings: EventSettings, events: Sequence[Event]) -> tuple[list[bool], int]:
    """Enter events; of each whether it is new, and when that was, in microseconds by the clock of Redis: no two calls have the same.

    Raises EventsFullError where there is no room, and redis-py's errors.
    """
    arguments: list[bytes | int] = [int(settings.events_max_mb * MIB), settings.events_max_age_s * 1000, settings.events_repeat_s]
    for event in events:
        arguments += (digest_of(event.event_id), event.encode())
    found = _call(redis, "push_events", (keys.events("stream"), keys.events("state"), keys.events("ids")), arguments)
    if found == -1:
        raise EventsFullError("Events wait to be written to files, and there is no room for more")
    if found == -2:
        raise EventsFullError(f"The oldest event has waited to be written to a file for more than {settings.events_max_age_s:,} s")
    *new, at_us = cast("list[int]", found)
    return [bool(one) for one in new], at_us


def read(redis: Redis, keys: Keys, after: str, n: int) -> list[tuple[str, Event]]:
    """The next events after an id of the stream, with their ids."""
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(keys.events("stream"), min=f"({after}", count=n))
    return [(entry.decode(), decode(fields[FIELD])) for entry, fields in found if fields.get(FIELD)]


def settle(redis: Redis, keys: Keys, last: str) -> int:
    """Take all events up to an id out of the stream, since a file has them; how many."""
    total = 0
    while n := int(cast(int, _call(redis, "settle_events", (keys.events("stream"), keys.events("state")), [last.encode(), PER_CALL]))):
        total += n
    return total


def forget(redis: Redis, keys: Keys, user_id: Id) -> int:
    """Take a user's events out of the stream; how many."""
    last, gone = NOTHING, 0
    while entries := read(redis, keys, last, PER_CALL):
        last = entries[-1][0]
        own = [(entry, len(event.encode())) for entry, event in entries if str(event.user_id) == str(user_id)]
        if own:
            with redis.pipeline(transaction=True) as pipe:
                for entry, n_bytes in own:
                    pipe.xdel(keys.events("stream"), entry)
                    pipe.hincrby(keys.events("state"), "bytes", -(n_bytes + ENTRY_BYTES))
                pipe.execute()
            gone += len(own)
    return gone


def go_on_after(redis: Redis, keys: Keys, last: str) -> None:
    """Let the ids of the stream rise above `last`, also where Redis has lost the stream and its clock went back."""
    if last == NOTHING:
        return
    try:
        redis.xadd(keys.events("stream"), {FIELD: b""}, id=last)
        redis.xdel(keys.events("stream"), last)
    except ResponseError as error:
        if "equal or smaller" not in str(error):  # the ids are there already
            raise


def waiting(redis: Redis, keys: Keys) -> Waiting:
    with redis.pipeline(transaction=False) as pipe:
        pipe.xlen(keys.events("stream"))
        pipe.xrange(keys.events("stream"), count=1)
        pipe.time()
        pipe.hmget(keys.events("state"), "bytes", "accepted", "repeated", "refused", "written")
        n, first, (seconds, micros), (n_bytes, *counts) = pipe.execute()
    began = int(first[0][0].split(b"-")[0]) / 1000 if first else 0.0
    return Waiting(n, int(n_bytes or 0), max(0.0, seconds + micros / 1e6 - began) if first else 0.0, *(int(one or 0) for one in counts))


def _call(redis: Redis, name: str, keys: Sequence[str], arguments: Sequence[bytes | int]) -> object:
    """A script by its digest: the API's clients are many, and each would register it."""
    text, digest = _script(name)
    try:
        return redis.evalsha(digest, len(keys), *keys, *arguments)
    except NoScriptError:
        return redis.eval(text, len(keys), *keys, *arguments)


@lru_cache
def _script(name: str) -> tuple[str, str]:
    from hashlib import sha1

    text = (files("contract.store") / "lua" / f"{name}.lua").read_text()
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
