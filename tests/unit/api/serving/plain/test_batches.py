"""Batches that the poller answers are what the route answers, byte by byte; whatever else is asked is left to it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import create_environ

from api.app import create_app
from api.lists.store import Store
from api.serving.plain.batches import MAX_USERS
from api.serving.plain.fast_lane import Answer, FastLane
from api.serving.plain.parts import PLAIN
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import Clock, FakeRedis, serve
from tests.support.stocked import stock

PATH = "/recommendations/batch"
LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673), (248, 2.548543), (286, 2.458506)], -7: [], 88: [(272, 3.164058)]}
TEXT_LISTS: Lists = {"54": [('a"b', 1.5)], "054": [("é", 1.25)], "x y": [("c", 0.5)]}
KEY = "k" * 16


def app_of(store: Store, **settings: str) -> Flask:
    return create_app(Settings.from_environ({f"LARDER_{name.upper()}": value for name, value in settings.items()}), store)


def answered(app: Flask, fake: FakeRedis, body: str, path: str = PATH, method: str = "POST", **headers: str) -> Answer | None:
    """By the lane, in two steps."""
    environ = create_environ(path, method=method, data=body, content_type="application/json", headers=headers)
    lane: FastLane = app.extensions[PLAIN].lane
    question = lane.question(environ)
    if question is None:
        assert environ["wsgi.input"].read().decode() == body, "it is left as it came"
        return None
    raw = [fake.hashes.get(key, {}).get(field) for _, key, field in question.commands]  # type: ignore[misc]
    return lane.told(environ, question, raw)


def check(app: Flask, answer: Answer, body: str, **headers: str) -> None:
    whole = app.test_client().post(PATH, data=body, content_type="application/json", headers=headers)
    assert (answer.body, answer.route) == (whole.data, PATH)
    assert dict(answer.headers).items() <= dict(whole.headers).items()


@pytest.mark.parametrize(
    ("lists", "body"),
    [
        (LISTS, '{"user_ids": [54]}'),
        (LISTS, '{"user_ids": [54, "88", -7, 54], "k": 2}'),
        (LISTS, '{ "k" : 4, "user_ids":["54",88] }'),
        (TEXT_LISTS, '{"user_ids": ["x y", 54, "054"]}'),
    ],
)
def test_plain_ones_are_what_the_route_says(store: Store, fake: FakeRedis, lists: Lists, body: str) -> None:
    app = app_of(store)
    serve(fake, lists, k=3, depth=6)
    store.pointers.current()
    answer = answered(app, fake, body)
    assert answer is not None
    check(app, answer, body)


@pytest.mark.parametrize(
    "body",
    ['{"user_ids": [54, 1]}', '{"user_ids": []}', '{"user_ids": 54}', '{"user_ids": {"54": 1}}', '{"user_ids": [true]}',
     '{"user_ids": [54.0]}',
     '{"user_ids": [[54]]}', '{"user_ids": ["é"]}', '{"user_ids": [""]}', '{"user_ids": [54], "k": 0}', '{"user_ids": [54], "k": null}',
     '{"user_ids": [54], "k": 1.0}', '{"user_ids": [54], "offset": 1}', '{"user_ids": [54], "exclude": [300]}', '{"user_ids": [54]} x',
     '{"user_ids": [54], "user_ids": [88]}', '[["user_ids", [54]]]', "", "{}", '{"user_ids": [54, null]}', '{"user_ids": ["nobody"]}',
     '{"user_ids": [1000000000000000000000]}', f'{{"user_ids": {[54] * (MAX_USERS + 1)}}}', f'{{"user_ids": {[54] * MAX_USERS}, "k": 21}}'],
)  # fmt: skip
def test_others_are_left_to_it(store: Store, fake: FakeRedis, body: str) -> None:
    app = app_of(store)
    serve(fake, LISTS, k=3, depth=6)
    store.pointers.current()
    assert answered(app, fake, body) is None


@pytest.mark.parametrize(
    "more",
    [{"method": "GET"}, {"path": f"{PATH}?ids=text"}, {"path": f"{PATH}/"}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br, *"},
     {"X-API-Key": "wrong"}],
    ids=str,
)  # fmt: skip
def test_other_ways_to_ask_are_left_to_it(store: Store, fake: FakeRedis, more: dict[str, Any]) -> None:
    app = app_of(store, api_read_keys=KEY)
    serve(fake, LISTS, k=3, depth=6)
    store.pointers.current()
    body = '{"user_ids": [54, 88]}'
    headers = {"X-API-Key": KEY}
    answer = answered(app, fake, body, **headers)
    assert answer is not None
    check(app, answer, body, **headers)
    assert answered(app, fake, body, **headers | more) is None


def test_what_is_short_is_left_to_it_where_it_is_filled_up(store: Store, fake: FakeRedis) -> None:
    app = app_of(store, fallback="popular")
    serve(fake, LISTS, k=3, depth=6)
    store.pointers.current()
    assert answered(app, fake, '{"user_ids": [54]}') is not None
    assert answered(app, fake, '{"user_ids": [54, 88]}') is None


def test_what_is_unavailable_is_in_none(store: Store, fake: FakeRedis, clock: Clock) -> None:
    app = app_of(store)
    serve(fake, LISTS, k=3, depth=6, n_item_buckets=1)
    stock(fake, {300: 10, 294: 30}, unavailable=(300,))
    clock.now_s += 1
    store.pointers.current()
    answer = answered(app, fake, '{"user_ids": [54, 88]}')
    assert answer is not None
    assert b'"item_id":300,' not in answer.body
    check(app, answer, '{"user_ids": [54, 88]}')


def test_a_named_key_counts_once(store: Store, fake: FakeRedis, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"shop read sha256:{sha256(KEY.encode()).hexdigest()} routes={PATH} rate=2\n")
    app = app_of(store, api_keys_file=str(keys), api_workers="1")
    serve(fake, LISTS, k=3, depth=6)
    store.pointers.current()
    found = [answered(app, fake, '{"user_ids": [54, 88]}', **{"X-API-Key": KEY}) is not None for _ in range(3)]
    assert found == [True, True, False]
