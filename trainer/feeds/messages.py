"""From a message of a stream to an event: the same fields, rules and words as of POST /events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from pydantic import ValidationError

from contract.formats.events import Event
from contract.formats.incoming.event import EventRequest
from contract.formats.incoming.strict import what_is_wrong

_LONGEST_ID = 128  # as of an event_id that is sent
_EARLIEST = 1_000_000_000  # 2001: what is less is a number of another kind, as an id of an entry may be
_EXPECTED = "a JSON object with user_id and item_id"
_NUMBERS = ("time", "weight", "rank")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


class BrokenMessageError(ValueError):
    """`str(error)` says what is wrong and what was expected, and nothing of the message's values."""


class Message(NamedTuple):
    """`place`: where it lies, the same whenever it is read. `body`: JSON, or fields as they are. `at_ms`: when it came into the stream, as
    far as that is known."""

    place: str
    body: bytes | Mapping[bytes, bytes] | None
    at_ms: int = 0


def event_of(message: Message, names: Mapping[str, str], now: int) -> Event:
    """`names`: what fields are called in messages, where that is not as in POST /events. Raises BrokenMessageError."""
    given, are_texts = _fields(message.body)
    if names:
        given = {field: given[there] for field in EventRequest.model_fields if (there := names.get(field, field)) in given}
    if are_texts:
        given = {field: _number(value) if field in _NUMBERS else value for field, value in given.items()}
    try:
        asked = EventRequest.model_validate(given)
    except ValidationError as error:
        raise BrokenMessageError(what_is_wrong(EventRequest, error)) from None
    came = message.at_ms // 1000  # a stream is read from its beginning: what lies there for long is not of now
    return asked.event(own_id(message.place), came if _EARLIEST <= came <= now else now)


def own_id(place: str) -> str:
    """The id of an event whose message has none: that of its place."""
    return place if len(place) <= _LONGEST_ID else sha256(place.encode()).hexdigest()


def _fields(body: bytes | Mapping[bytes, bytes] | None) -> tuple[dict[str, object], bool]:
    """What a message says, and whether all of it is text, as in entries of Redis with several fields."""
    if body is None:
        raise BrokenMessageError(f"It is empty; {_EXPECTED} was expected.")
    if isinstance(body, bytes):
        return _json(body), False
    if len(body) == 1:
        (only,) = body.values()
        return _json(only), False
    try:
        return {name.decode(): value.decode() for name, value in body.items()}, True
    except UnicodeDecodeError:
        raise BrokenMessageError("It is not UTF-8.") from None


def _number(value: object) -> object:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body, object_pairs_hook=_no_duplicates)
    except BrokenMessageError:
        raise
    except (ValueError, RecursionError):
        raise BrokenMessageError(f"It is not JSON; {_EXPECTED} was expected.") from None
    if not isinstance(value, dict):
        raise BrokenMessageError(f"It is JSON, but not an object; {_EXPECTED} was expected.")
    return value


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BrokenMessageError("A field stands in it twice.")
    return found
