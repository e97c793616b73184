"""The stream of lists that were shown and are in no file yet. Its length is bounded: what would be too much is not taken."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from contract.formats.events import Impression, decode_impression
from contract.formats.keys import Keys
from contract.settings.events import MIB, EventSettings
from contract.store.streams.stream import Stream, call


def impressions_in(redis: Redis, keys: Keys) -> Stream[Impression]:
    return Stream(redis, keys.impressions("stream"), keys.impressions("state"), decode_impression)


def push(redis: Redis, keys: Keys, settings: EventSettings, impressions: Sequence[Impression]) -> bool:
    """Enter impressions; false where there is no room for all of them, and none was taken. Raises redis-py's errors."""
    arguments: list[bytes | int] = [int(settings.impressions_max_mb * MIB), *(one.encode() for one in impressions)]
    return bool(call(redis, "push_impressions", (keys.impressions("stream"), keys.impressions("state")), arguments))
