"""The fast lane answers what the route answers, byte by byte, or leaves it to the route."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as RedisConnectionError
from werkzeug.test import create_environ

from api.app import create_app
from api.lists.store import Store
from api.serving.plain.fast_lane import FastLane
from api.serving.plain.parts import PLAIN
from contract.formats import payload
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import Clock, FakeRedis, serve
from tests.support.stocked import stock

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


PATHS = [
    "/users/54/recommendations",
    "/users/054/recommendations",
    "/v1/users/54/recommendations",
    "/users/-7/recommendations",
    "/users/x%20y/recommendations",
    "/users/54/recommendations?k=2",
    "/users/54/recommendations?k=02",
    "/users/54/recommendations?k=2&k=3",
    "/users/54/recommendations?K=2",
    "/users/54/recommendations?k=2&ids=text",
    "/users/0/recommendations",
]


@pytest.mark.parametrize("lists", [LISTS, TEXT_LISTS])
@pytest.mark.parametrize("path", PATHS)
def test_both_ways_of_a_path_give_the_same_answer(
    app: Flask, fake: FakeRedis, lists: Lists, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(fake, lists, k=3, depth=6)
    quick = app.test_client().get(path)
    monkeypatch.setattr(FastLane, "_asked", lambda *_: None)
    compare(quick, app.test_client().get(path))


def compare(quick: Any, slow: Any) -> None:
    assert (quick.status_code, quick.data) == (slow.status_code, slow.data)
    told = [[(name, value) for name, value in answer.headers if name != "X-Request-ID"] for answer in (quick, slow)]
    assert sorted(told[0]) == sorted(told[1])


FILTERED: list[dict[str, object]] = [
    {"user_id": 54, "filter": "price < 35"},
    {"user_id": 54, "filter": "price < 35", "k": 1},
    {"k": 2, "filter": "price > 20 and price != 294", "user_id": "54"},
    {"user_id": 54, "filter": "price > 1000"},
    {"user_id": 54, "filter": "prise > 1000"},
    {"user_id": 54, "filter": ""},
    {"user_id": 54, "filter": 5},
    {"user_id": True, "filter": "price < 35"},
    {"user_id": 54, "filter": "price < 35", "k": True},
    {"user_id": 54, "filter": "price < 35", "k": 2.0},
    {"user_id": 54, "filter": "price < 35", "k": 0},
    {"user_id": 54, "filter": "price < 35", "offset": 1},
    {"user_id": {"user_id": 54}, "filter": "price < 35"},
    {"user_id": 1, "filter": "price < 35"},
]


@pytest.mark.parametrize("body", FILTERED)
@pytest.mark.parametrize("unavailable", [(), (294,)])
def test_both_ways_of_a_filter_give_the_same_answer(
    app: Flask, fake: FakeRedis, body: dict[str, object], unavailable: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(fake, LISTS, k=3, depth=6, n_item_buckets=1)
    stock(fake, {300: 10, 294: 30, 248: 34, 286: 50}, unavailable=unavailable)
    path = f"/users/{body['user_id']}/recommendations?" + urlencode({name: value for name, value in body.items() if name != "user_id"})
    client = app.test_client()
    client.post("/recommendations", json=body)  # makes the filter ready
    fake.round_trips = 0
    quick = client.post("/recommendations", json=body), client.get(path)
    monkeypatch.setattr(FastLane, "_asked", lambda *_: None)
    for answer, slow in zip(quick, (client.post("/recommendations", json=body), client.get(path)), strict=True):
        compare(answer, slow)


def test_a_list_that_is_to_be_filled_up_is_left_to_the_route(store: Store, fake: FakeRedis) -> None:
    pointer = serve(fake, LISTS, k=3, depth=6, n_item_buckets=1)
    fake.strings[Keys().popular(pointer.generation)] = payload.encode([7, 8], [2.0, 1.0])
    stock(fake, {300: 10, 294: 30, 248: 34, 286: 50, 7: 1, 8: 2})
    client = create_app(Settings(fallback="popular"), store).test_client()
    for _ in range(2):
        answer = client.post("/recommendations", json={"user_id": 54, "filter": "price < 15"}).get_json()
        assert [item["item_id"] for item in answer["items"]] == [300, 7, 8]


KEY, SHOP = "k" * 16, "shop-" + "x" * 20


def test_a_key_for_reading_is_asked_for_and_takes_the_same_way(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    app = create_app(Settings.from_environ({"LARDER_API_READ_KEYS": KEY}), store)
    client = app.test_client()
    for given in ({}, {"X-API-Key": "z" * 16}, {"Authorization": f"Basic {KEY}"}):
        assert client.post("/recommendations", json={"user_id": 54}, headers=given).status_code == 401
        assert client.get("/users/54/recommendations", headers=given).status_code == 401
    app.view_functions.clear()  # Flask answers nothing more
    for given in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert client.post("/recommendations", json={"user_id": 54}, headers=given).status_code == 200
        assert client.get("/users/54/recommendations", headers=given).status_code == 200


def test_a_named_key_opens_its_routes_as_often_as_it_may_and_each_request_counts_once(
    store: Store, fake: FakeRedis, tmp_path: Path
) -> None:
    serve(fake, LISTS)
    keys = tmp_path / "keys"
    keys.write_text(f"shop read sha256:{sha256(SHOP.encode()).hexdigest()} routes=/recommendations rate=2\n")
    settings = {"LARDER_API_KEYS_FILE": str(keys), "LARDER_API_WORKERS": "1", "LARDER_API_READ_KEYS": KEY}
    client = create_app(Settings.from_environ(settings), store).test_client()
    given = {"X-API-Key": SHOP}
    assert client.get("/users/54/recommendations", headers=given).status_code == 403
    asked = [client.post("/recommendations", json={"user_id": 54}, headers=given).status_code for _ in range(3)]
    assert asked == [200, 200, 429]
    text = client.get("/metrics", headers={"X-API-Key": KEY}).text
    for outcome, n in (("allowed", 2), ("limited", 1), ("refused", 1)):
        assert f'larder_key_requests_total{{key="shop",outcome="{outcome}"}} {n}.0' in text


def test_a_question_in_two_steps_asks_for_nothing_by_itself(app: Flask, store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS, k=3, depth=6)
    lane = app.extensions[PLAIN].lane
    environ = create_environ("/recommendations", method="POST", json={"user_id": 54})
    assert lane.question(environ) is None, "the pointer has to be read first"
    store.pointers.current()
    fake.round_trips = 0
    environ = create_environ("/recommendations", method="POST", json={"user_id": 54})
    question = lane.question(environ)
    raw = [fake.hashes[key].get(field) for _, key, field in question.commands]
    answer = lane.told(environ, question, raw)
    assert answer.body == app.test_client().post("/recommendations", json={"user_id": 54}).data
    assert lane.told(environ, question, [None]) is None, "an erased user is the route's"
    for body in ({"user_id": 54, "k": 101}, {"user_id": 54, "filter": "price < 1"}):
        assert lane.question(create_environ("/recommendations", method="POST", json=body)) is None
    fake.failure = RedisConnectionError("refused")
    app.test_client().post("/recommendations", json={"user_id": 54})
    assert lane.question(environ) is None, "Redis is away"


def test_an_answer_stands_on_one_moment(app: Flask, store: Store, fake: FakeRedis, clock: Clock) -> None:
    """Between a question and its answer an item goes out of stock: list and tag are both of before, and the next ones both of after."""
    serve(fake, LISTS, k=3, depth=6, n_item_buckets=1)
    store.pointers.current()
    lane = app.extensions[PLAIN].lane
    environ = create_environ("/users/54/recommendations")
    question = lane.question(environ)
    raw = [fake.hashes[key].get(field) for _, key, field in question.commands]
    stock(fake, {300: 10, 294: 30}, unavailable=(300,))
    clock.now_s += 1
    store.pointers.current()
    before, after = (lane.told(environ, each, raw) for each in (question, lane.question(environ)))
    assert [b'"item_id":300,' in answer.body for answer in (before, after)] == [True, False]
    assert [dict(answer.headers)["ETag"] for answer in (before, after)] == ['W/"g1"', 'W/"g1.1"']
