"""POST /events: what is taken, what is not, and that nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from api.app import create_app
from contract.formats.events import Event
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store import event_stream
from contract.store.event_stream import events_in
from contract.store.streams.stream import NOTHING
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.redis_server import RedisServer

KEYS = Keys()
WRITE, ADMIN, READ = (f"{kind}-" + "k" * 16 for kind in ("write", "admin", "read"))
Make = Callable[..., FlaskClient]


@pytest.fixture
def make(redis_server: str, store_redis: Redis) -> Make:
    assert store_redis.dbsize() == 0

    def client(**settings: object) -> FlaskClient:
        given: dict[str, object] = {"redis_url": redis_server, "events": True, "api_write_keys": WRITE, **settings}
        return create_app(Settings.model_validate(given)).test_client()

    return client


def send(client: FlaskClient, *events: object, key: str = WRITE) -> TestResponse:
    return client.post("/events", json={"events": list(events)}, headers={"X-API-Key": key})


def buy(user: object = 54, item: object = 318, **more: object) -> dict[str, object]:
    return {"user_id": user, "item_id": item, "type": "buy", **more}


def stored(redis: Redis) -> list[Event]:
    return [event for _, event in events_in(redis, KEYS).read(NOTHING, 10_000)]


def test_what_is_wrong_with_an_event_keeps_no_other_out(make: Make, store_redis: Redis) -> None:
    wrong = [{"user_id": 54}, buy(time=1.7e12), buy(time="2026-01-31T12:00:00"), buy(color=1), buy(weight=1e9), buy(time=time.time() + 1e6)]
    answer = send(
        make(), buy(time=1_700_000_000.9, rank=3, generation="g1", request_id="r"), *wrong, buy("ann", "é", time="2026-01-31T12:00:00Z")
    )
    body = answer.get_json()
    assert (answer.status_code, body["accepted"], body["repeated"], [error["index"] for error in body["errors"]]) == (
        202,
        2,
        0,
        [1, 2, 3, 4, 5, 6],
    )
    details = [error["detail"] for error in body["errors"]]
    for detail, word in zip(details, ("item_id", "milliseconds", "time zone", "color", "weight", "day ahead"), strict=True):
        assert word in detail
    first, second = stored(store_redis)
    assert (first.user_id, first.time, first.rank, first.generation, first.request_id) == (54, 1_700_000_000, 3, "g1", "r")
    assert (second.user_id, second.item_id, second.time) == ("ann", "é", 1_769_860_800)


def test_an_event_counts_once_by_its_id(make: Make, store_redis: Redis) -> None:
    client = make()
    assert send(client, buy(event_id="a"), buy(event_id="a"), buy(event_id="b")).get_json() == {"accepted": 2, "repeated": 1, "errors": []}
    assert send(client, buy(event_id="b"), buy(), buy()).get_json() == {"accepted": 2, "repeated": 1, "errors": []}
    assert [event.event_id for event in stored(store_redis)][:2] == ["a", "b"]
    assert len(stored(store_redis)) == 4


@pytest.mark.parametrize(("key", "status"), [(ADMIN, 403), (READ, 403), ("wrong", 401)])
def test_its_key_opens_it_and_nothing_else(make: Make, key: str, status: int) -> None:
    client = make(api_read_keys=READ, api_admin_keys=ADMIN)
    assert send(client, buy(), key=key).status_code == status
    headers = {"X-API-Key": WRITE}
    assert client.get("/metrics", headers=headers).status_code == 401
    assert client.post("/generations/rollback", headers=headers).status_code == 401


def test_without_such_a_key_nobody_sends(make: Make) -> None:
    answer = send(make(api_write_keys=""), buy())
    assert answer.status_code == 403
    assert "LARDER_API_WRITE_KEYS" in answer.get_json()["detail"]


def test_there_is_no_such_route_where_events_are_off(make: Make) -> None:
    client = make(events=False)
    assert send(client, buy()).status_code == 404
    assert "/events" not in client.get("/openapi.json").get_json()["paths"]


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": [1]}, {"events": [buy()] * 1001}])
def test_what_is_no_list_of_events_is_a_400(make: Make, body: object) -> None:
    assert make().post("/events", json=body, headers={"X-API-Key": WRITE}).status_code == 400


def test_all_or_none_when_too_much_waits(make: Make, store_redis: Redis) -> None:
    client = make(events_max_mb=0.002)
    assert send(client, buy(event_id="a")).status_code == 202
    refused = send(client, *[buy() for _ in range(20)])
    assert (refused.status_code, refused.get_json()["error"], refused.headers["Retry-After"]) == (429, "Too many events", "5")
    assert len(stored(store_redis)) == 1
    last = events_in(store_redis, KEYS).read(NOTHING, 9)[-1][0]
    assert events_in(store_redis, KEYS).settle(last) == 1
    assert events_in(store_redis, KEYS).waiting() == (0, 0, 0.0, 1, 0, 20, 1)
    assert send(client, buy()).status_code == 202


def test_refused_when_the_oldest_has_waited_for_too_long(make: Make, store_redis: Redis) -> None:
    seconds, _ = store_redis.time()
    store_redis.xadd(KEYS.events("stream"), {"e": Event("old", 1, 2, "buy", 0).encode()}, id=f"{(seconds - 3600) * 1000}-0")
    assert send(make(events_max_age_s=3000), buy()).status_code == 429
    client = make(events_max_age_s=9000)
    assert send(client, buy()).status_code == 202
    metrics = client.get("/metrics").text
    assert "larder_events_waiting 2.0" in metrics
    assert float(metrics.split("\nlarder_events_lag_seconds ")[1].split()[0]) >= 3600
    assert "Events are not written to files" in client.get("/").text


def test_ids_of_the_stream_rise_also_when_it_was_lost(store_redis: Redis) -> None:
    ahead = f"{(store_redis.time()[0] + 3600) * 1000}-7"
    events_in(store_redis, KEYS).go_on_after(ahead)
    events_in(store_redis, KEYS).go_on_after(ahead)
    event_stream.push(store_redis, KEYS, Settings(), [Event("a", 1, 2, "buy", 0)])
    assert [event.event_id for _, event in events_in(store_redis, KEYS).read(ahead, 9)] == ["a"]


@pytest.fixture
def durable() -> Iterator[RedisServer]:
    with RedisServer(appendonly="yes", appendfsync="always") as server:  # everysec may put a write off while the disk is slow
        yield server


def test_what_was_acknowledged_outlives_killed_processes(durable: RedisServer) -> None:
    """The API's workers and Redis are killed while events come; each that was acknowledged is there, once."""
    acknowledged: set[str] = set()
    with ApiProcess(durable.url, LARDER_EVENTS="1", LARDER_API_WRITE_KEYS=WRITE) as api:
        for number in range(12):
            names = [f"{number}.{at}" for at in range(100)]
            if number == 4:
                os.kill(api.booted()[0], signal.SIGKILL)
            if number == 8:
                durable.stop()
                durable.start()
            while True:  # what was not acknowledged is sent again, with its ids
                try:
                    answer = api.send_admin("POST", "/events", WRITE, {"events": [buy(event_id=name) for name in names]})
                except OSError:
                    continue
                if answer.status_code == 202:
                    break
                assert answer.status_code == 503
            acknowledged.update(names)
    with Redis.from_url(durable.url) as client:
        found = [event.event_id for event in stored(client)]
    assert len(found) == len(set(found))
    assert set(found) == acknowledged
