"""The fast lane answers what the route answers, byte by byte, or leaves it to the route."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as RedisConnectionError

from api.app import create_app
from api.lists.store import Store
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673), (248, 2.548543), (286, 2.458506)], -7: [], 88: [(272, 3.164058)]}
TEXT_LISTS: Lists = {"54": [('a"b', 1.5)], "054": [("é", 1.25)], "x y": [("c", 0.5)]}


@pytest.fixture
def app(store: Store) -> Flask:
    return create_app(Settings(), store)


@pytest.mark.parametrize("lists", [LISTS, TEXT_LISTS])
@pytest.mark.parametrize(
    "body",
    [
        '{"user_id": 54}',
        '{"user_id":"54"}',
        '{"user_id": "054"}',
        '{"user_id": 54, "k": 2}',
        '{"user_id": 54, "k": 4}',
        '{"user_id": 54, "k": 999}',
        '{ "user_id" : 54 }',
        '{"user_id": -7}',
        '{"user_id": "x y", "k": 1}',
        '{"user_id": 0}',
        '{"user_id": -0}',
        '{"user_id": 054}',
        '{"user_id": "é"}',
        '{"user_id": "\\u0035\\u0034"}',
        '{"user_id": 54, "k": 0}',
        '{"user_id": 54, "user_id": 88}',
        '{"user_id": 1}',
        '{"user_id": 54} x',
        "{}",
    ],
)
def test_both_ways_give_the_same_answer(app: Flask, fake: FakeRedis, lists: Lists, body: str) -> None:
    serve(fake, lists, k=3, depth=6)
    client = app.test_client()
    quick = client.post("/recommendations", data=body.encode(), content_type="application/json")
    slow = client.post("/recommendations", data=body.encode(), content_type="application/json; charset=utf-8")
    assert (quick.status_code, quick.data) == (slow.status_code, slow.data)
    told = [{name: value for name, value in answer.headers if name != "X-Request-ID"} for answer in (quick, slow)]
    assert told[0] == told[1]


def test_a_plain_question_takes_one_round_trip(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    client.post("/recommendations", json={"user_id": 54})
    fake.round_trips = 0
    assert client.post("/recommendations", json={"user_id": 88}).status_code == 200
    assert fake.round_trips == 1


def test_a_redis_that_is_away_is_told_by_the_route(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    fake.failure = RedisConnectionError("refused")
    answer = client.post("/recommendations", json={"user_id": 54})
    assert (answer.status_code, answer.get_json()["error"]) == (503, "Store unavailable")


def test_keys_for_reading_close_it(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    client = create_app(Settings.from_environ({"LARDER_API_READ_KEYS": "k" * 16}), store).test_client()
    assert client.post("/recommendations", json={"user_id": 54}).status_code == 401
