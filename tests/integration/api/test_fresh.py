"""What a user takes or turns down is in none of that user's answers from the next request on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.formats import payload
from contract.formats.keys import Keys
from contract.settings.settings import ModelSettings, Settings
from contract.store import recent_events
from tests.support.builders import Lists, manifest_of, write_lists

KEYS = Keys()
WRITE = "write-" + "k" * 16
LISTS: Lists = {user: [(item, 9.0 - item) for item in range(6)] for user in (1, 2, 3)}
Make = Callable[..., FlaskClient]


@pytest.fixture
def make(redis_server: str, store_redis: Redis) -> Make:
    promote(store_redis, "g1")

    def client(**settings: object) -> FlaskClient:
        given: dict[str, object] = {"redis_url": redis_server, "events": True, "api_write_keys": WRITE, "pointer_ttl_ms": 0, **settings}
        return create_app(Settings.model_validate(given)).test_client()

    return client


def promote(redis: Redis, name: str, reading: dict[str, Any] | None = None) -> None:
    manifest = manifest_of(LISTS, name, settings=ModelSettings(k=3, depth=6)).model_copy(update={"reading": reading or {}})
    write_lists(redis, KEYS, manifest, LISTS)
    redis.set(KEYS.popular(name), payload.encode([5, 4, 0], [9.0, 8.0, 7.0]))
    redis.set(KEYS.current, manifest.pointer().model_dump_json())


def send(client: FlaskClient, user: object, *items: object, kind: str = "buy") -> None:
    events = [{"user_id": user, "item_id": item, "type": kind} for item in items]
    assert client.post("/events", json={"events": events}, headers={"X-API-Key": WRITE}).status_code == 202


def ask(client: FlaskClient, user: object, **more: object) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/recommendations", json={"user_id": user, **more}).get_json()
    return found


def items(answer: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in answer["items"]]


def test_hidden_from_the_next_request_on_and_filled_from_the_stored_depth(make: Make) -> None:
    client = make()
    before = ask(client, 1)
    assert (items(before), before["freshness"], "fresh_at" in before) == ([0, 1, 2], "generation", False)
    send(client, 1, 1, "4")
    after = ask(client, 1)
    assert (items(after), after["freshness"]) == ([0, 2, 3], "event")
    assert after["fresh_at"].endswith("Z")
    assert [item["rank"] for item in after["items"]] == [1, 2, 3]
    assert items(ask(client, 1, k=6)) == [0, 2, 3, 5]
    assert items(ask(client, 2)) == [0, 1, 2]


@pytest.mark.parametrize(("kind", "found"), [("dismiss", [1, 2, 3]), ("take", [1, 2, 3]), ("view", [0, 1, 2]), ("impression", [0, 1, 2])])
def test_who_only_looked_keeps_the_item(make: Make, kind: str, found: list[int]) -> None:
    client = make()
    send(client, 1, 0, kind=kind)
    assert items(ask(client, 1)) == found


@pytest.mark.parametrize(("kind", "found"), [("buy", [1, 2, 3]), ("dislike", [1, 2, 3]), ("cart", [0, 1, 2]), ("click", [0, 1, 2])])
def test_with_a_target_only_what_is_taken_or_turned_down_leaves_the_list(make: Make, kind: str, found: list[int]) -> None:
    client = make(target="buy")
    send(client, 1, 0, kind=kind)
    assert items(ask(client, 1)) == found


def test_every_way_to_ask_says_the_same(make: Make) -> None:
    client = make()
    send(client, "1", 0)
    send(client, 77, 5)
    path = client.get("/users/1/recommendations")
    by_path, body = path.get_json(), {"user_ids": [1, 2, 77], "fallback": "popular"}
    assert by_path == ask(client, "1") == ask(client, 1, offset=0, exclude=[99])
    one, other, unknown = client.post("/recommendations/batch", json=body).get_json()["results"]
    assert {name: by_path[name] for name in one} == one
    assert (items(other), other["freshness"]) == ([0, 1, 2], "generation")
    assert (items(unknown), unknown["source"], unknown["freshness"]) == ([4, 0], "popular", "event")
    assert items(ask(client, 77, fallback="popular")) == [4, 0]
    plain = client.post("/recommendations/batch", json={"user_ids": [1, 2]}).get_json()["results"]
    assert plain == [one, other]


def test_what_fills_a_list_up_is_not_hidden_either(make: Make) -> None:
    client = make()
    send(client, 1, 5, 0)
    assert items(ask(client, 1, k=6, fallback="popular")) == [1, 2, 3, 4]


def test_a_cached_answer_is_no_longer_the_answer(make: Make) -> None:
    client = make()
    path = "/users/1/recommendations"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    send(client, 1, 0)
    answer = client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, items(answer.get_json())) == (200, [1, 2, 3])
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_generation_that_has_read_the_event_starts_clean_and_one_that_has_not_goes_on(make: Make, store_redis: Redis) -> None:
    client = make()
    send(client, 1, 0)
    promote(store_redis, "g2")
    assert items(ask(client, 1)) == [1, 2, 3]
    seconds, _ = store_redis.time()
    promote(store_redis, "g3", {"events_until": f"{(seconds - 60) * 1000}-0"})
    assert items(ask(client, 1)) == [1, 2, 3]
    promote(store_redis, "g4", {"events_until": f"{(seconds + 60) * 1000}-0"})
    assert (items(ask(client, 1)), ask(client, 1)["freshness"]) == ([0, 1, 2], "generation")


def test_a_list_stays_one_round_trip(make: Make, store_redis: Redis) -> None:
    client = make(pointer_ttl_ms=1000)
    send(client, 1, 0)
    ask(client, 1)

    def trips() -> float:
        text = client.get("/metrics").text
        return float(text.split("\nlarder_redis_round_trips_total ")[1].split()[0])

    scrapes = [trips(), trips()]
    for _ in range(10):
        ask(client, 1)
    assert trips() - scrapes[1] == scrapes[1] - scrapes[0] + 10


def test_off_leaves_answers_as_they_were(make: Make, store_redis: Redis) -> None:
    send(make(), 1, 0)
    off, never = make(fresh=False), make(events=False)
    for path in ("/users/1/recommendations", "/users/1/recommendations?k=2&offset=1"):
        one, other = off.get(path), never.get(path)
        assert (one.data, one.headers["ETag"]) == (other.data, other.headers["ETag"])
    body = {"user_id": 1}
    assert off.post("/recommendations", json=body).data == never.post("/recommendations", json=body).data
    assert b"fresh" not in never.post("/recommendations", json=body).data
    store_redis.delete(KEYS.fresh(1))
    send(off, 1, 0)
    assert not store_redis.exists(KEYS.fresh(1))


def test_what_is_kept_of_a_user_is_bounded(make: Make, store_redis: Redis) -> None:
    client = make(fresh_items=3)
    for item in range(5):
        send(client, 1, item)
        send(client, 1, item)
    assert store_redis.hlen(KEYS.fresh(1)) == 3
    assert items(ask(client, 1, k=6)) == [0, 1, 5]
    assert 0 < store_redis.ttl(KEYS.fresh(1)) <= 7 * 86_400
    recent_events.forget(store_redis, KEYS, "1")
    assert items(ask(client, 1)) == [0, 1, 2]
