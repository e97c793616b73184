"""Events and impressions on their way: what the API writes into streams, and the trainer into files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from contract.formats.keys import Id

FIELD = b"e"
"""The one field of an entry of a stream."""
DIGEST_BYTES = 12
DISLIKES = ("dismiss", "dislike")
"""Types that say by themselves that the item was met and not liked."""
SHOWN = ("impression",)
"""Types that say that an item was shown: what nobody did is no interaction."""


class Event(NamedTuple):
    """What a user did. `time`: epoch seconds. Of what may be missing, "" or None says that it is."""

    event_id: str
    user_id: Id
    item_id: Id
    type: str
    time: int
    weight: float | None = None
    request_id: str = ""
    generation: str = ""
    rank: int | None = None

    def encode(self) -> bytes:
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()


class Impression(NamedTuple):
    """A list that an answer showed to a user. `time_ms`: since 1970, by the clock of the API; `ranks`: as the answer told them."""

    request_id: str
    time_ms: int
    user_id: Id
    generation: str
    arm: str
    """Of an experiment; "" without one."""
    source: str
    item_ids: Sequence[Id]
    ranks: Sequence[int]

    def encode(self) -> bytes:
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()


def weight_of(event: Event, weights: Mapping[str, float]) -> float | None:
    """An event's own weight; else its type's, by `weights`, or where these are empty 1, or -1 for a dislike. None: of no weight."""
    if event.type in SHOWN:
        return None
    if event.weight is not None:
        return event.weight
    return weights.get(event.type) if weights else -1.0 if event.type in DISLIKES else 1.0


def decode(raw: bytes) -> Event:
    """Also of a later version, which may have added fields at the end."""
    fields: list[Any] = json.loads(raw)
    return Event(*fields[: len(Event._fields)])


def decode_impression(raw: bytes) -> Impression:
    """As `decode`."""
    fields: list[Any] = json.loads(raw)
    return Impression(*fields[: len(Impression._fields)])


def digest_of(event_id: str) -> bytes:
    """By which a repeat is known: shorter than ids may be, and the same length for all."""
    return sha256(event_id.encode()).digest()[:DIGEST_BYTES]
