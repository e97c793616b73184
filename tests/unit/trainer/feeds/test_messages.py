"""From messages to events."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from trainer.feeds.messages import BrokenMessageError, Message, event_of

NOW = 1_700_000_000


def of(body: object, names: Mapping[str, str] | None = None) -> tuple[object, ...]:
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return tuple(event_of(Message("redis:clicks:1-0", raw), names or {}, NOW))


def test_a_message_has_the_fields_of_a_request_and_an_id_of_its_place() -> None:
    assert of({"user_id": 54, "item_id": "x", "type": "buy", "time": 5}) == ("redis:clicks:1-0", 54, "x", "buy", 5, None, "", "", None)
    assert of({"user_id": 54, "item_id": 3, "event_id": "order-1"})[:5] == ("order-1", 54, 3, "event", NOW)


def test_names_of_ones_own_leave_other_fields_alone() -> None:
    names = {"user_id": "customer", "item_id": "sku"}
    assert of({"customer": 54, "sku": "x", "type": "buy", "color": 1}, names)[:4] == ("redis:clicks:1-0", 54, "x", "buy")
    with pytest.raises(BrokenMessageError, match="user_id is missing"):
        of({"user_id": 54, "sku": "x"}, names)


def test_fields_of_an_entry_are_texts_and_numbers_where_an_event_has_numbers() -> None:
    body = {b"user_id": b"054", b"item_id": b"7", b"time": b"1700000000", b"rank": b"2", b"weight": b"-1.5"}
    assert event_of(Message("p", body), {}, NOW)[1:6] == ("054", "7", "event", NOW, -1.5)
    only = {b"data": b'{"user_id": 1, "item_id": 2}'}
    assert event_of(Message("p", only), {}, NOW)[1:3] == (1, 2)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "It is empty"),
        (b"\xff", "not JSON"),
        (b"[1]", "not an object"),
        (b'{"user_id": 1, "user_id": 2}', "stands in it twice"),
        (b"[" * 100_000, "not JSON"),
        ({"user_id": 1}, "item_id is missing"),
        ({"user_id": 1, "item_id": 2, "colour": 3}, '"colour" is not a field'),
        ({"user_id": 1, "item_id": 2, "time": 1.7e12}, "milliseconds"),
        ({"user_id": 1.5, "item_id": 2}, "user_id"),
    ],
)
def test_what_is_broken_is_said_without_its_values(body: object, told: str) -> None:
    with pytest.raises(BrokenMessageError, match=told):
        of(body)


def test_an_id_of_a_long_place_is_as_short_as_ids_may_be() -> None:
    event = event_of(Message("redis:" + "x" * 300 + ":1-0", b'{"user_id": 1, "item_id": 2}'), {}, NOW)
    assert len(event.event_id) <= 128
