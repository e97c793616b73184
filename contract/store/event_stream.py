"""The stream of events that are not in files yet: what comes in is there once Redis has it, and goes once a file has it.

Its length is bounded: what would be too much, or comes while the oldest event has waited for too long, is refused as a whole. Redis
writes its append-only file before it answers, and flushes it every second (appendfsync everysec): a Redis that is killed has lost
nothing, but where the disk was so slow that a write was put off, up to 2 s; a machine that fails loses up to 2 s. With appendfsync
always nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from redis import Redis

from contract.errors import StoreFullError
from contract.formats.events import Event, decode, digest_of
from contract.formats.keys import Keys
from contract.settings.events import MIB, EventSettings
from contract.store.streams.stream import Stream, call


class EventsFullError(StoreFullError):
    """No event was taken. `str(error)` says why."""

    transient = True


def events_in(redis: Redis, keys: Keys) -> Stream[Event]:
    return Stream(redis, keys.events("stream"), keys.events("state"), decode)


def push(redis: Redis, keys: Keys, settings: EventSettings, events: Sequence[Event]) -> tuple[list[bool], int]:
    """Enter events; of each whether it is new, and when that was, in microseconds by the clock of Redis: no two calls have the same.

    Raises EventsFullError where there is no room, and redis-py's errors.
    """
    arguments: list[bytes | int] = [int(settings.events_max_mb * MIB), settings.events_max_age_s * 1000, settings.events_repeat_s]
    for event in events:
        arguments += (digest_of(event.event_id), event.encode())
    found = call(redis, "push_events", (keys.events("stream"), keys.events("state"), keys.events("ids")), arguments)
    if found == -1:
        raise EventsFullError("Events wait to be written to files, and there is no room for more")
    if found == -2:
        raise EventsFullError(f"The oldest event has waited to be written to a file for more than {settings.events_max_age_s:,} s")
    *new, at_us = cast("list[int]", found)
    return [bool(one) for one in new], at_us
