"""Request ids, gzip, metrics and conditional requests."""

from __future__ import annotations

import gzip
import json

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from api.serving.middleware import MIN_GZIP_BYTES, accepts_gzip
from contract.formats import payload
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import Clock, FakeRedis, serve

LISTS: Lists = {54: [(item, 5.0 - item / 100) for item in range(200)], 88: [(1, 1.0)]}
PATH = "/users/54/recommendations"


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_a_request_id_comes_back(client: FlaskClient, given: str) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", '"', "a\tb", "é"])
def test_one_that_a_log_could_not_take_is_replaced(client: FlaskClient, given: str) -> None:
    found = client.get("/nope", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert found != given
    assert len(found) == 16


def test_a_long_answer_is_compressed(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, depth=200)
    plain = client.get(f"{PATH}?k=200")
    assert len(plain.data) > MIN_GZIP_BYTES
    packed = client.get(f"{PATH}?k=200", headers={"Accept-Encoding": "br;q=1.0, gzip;q=0.8"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    for answer in (plain, packed):
        assert (answer.headers["Vary"], answer.headers["ETag"]) == ("Accept-Encoding", 'W/"g1"')
    assert "Content-Encoding" not in client.get(PATH, headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("*", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0.0", False),
        ("*;q=0", False),
        ("identity", False),
        ("gzip;q=x", False),
    ],
)
def test_who_takes_gzip(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected


@pytest.mark.parametrize("known", ['W/"g1"', '"g1"', 'W/"g0", W/"g1"', "*"])
def test_a_client_that_has_it_already_gets_a_304(client: FlaskClient, fake: FakeRedis, known: str) -> None:
    serve(fake, LISTS)
    answer = client.get(PATH, headers={"If-None-Match": known})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", 'W/"g1"')


def test_a_new_generation_is_a_new_answer(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS, "g1")
    tag = client.get(PATH).headers["ETag"]
    serve(fake, LISTS, "g2")
    clock.now_s += 1
    answer = client.get(PATH, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"g2"')


def test_the_popular_list_is_not_the_same_as_ones_own(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    missing = client.get("/users/1/recommendations?fallback=popular", headers={"If-None-Match": 'W/"g1"'})
    assert (missing.status_code, missing.get_json()["source"]) == (200, "popular")


def test_posts_of_one_generation_have_different_tags(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    tags = {client.post("/recommendations", json={"user_id": user}).headers["ETag"] for user in (54, 88, 54)}
    assert len(tags) == 2


def test_how_long_a_list_may_be_kept(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    assert create_app(Settings(), store).test_client().get(PATH).headers["Cache-Control"] == "private, no-cache"
    kept = create_app(Settings(api_max_age_s=60), store).test_client()
    assert kept.get(PATH).headers["Cache-Control"] == "private, max-age=60"
    assert kept.get("/users/1/recommendations").headers["Cache-Control"] == "no-store"


def test_metrics_count_requests_and_round_trips(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    client.post("/recommendations", data=json.dumps({"user_id": 54}), content_type="application/json")
    client.get("/users/1/recommendations")
    fake.strings[Keys().popular("g1")] = payload.encode([1], [1.0])
    client.get("/users/1/recommendations?fallback=popular")
    client.open("/nope", method="BREW")
    text = client.get("/metrics").text
    assert 'larder_request_seconds_count{method="POST",route="/recommendations",status="200"} 1.0' in text
    assert 'larder_request_seconds_count{method="GET",route="/users/<user_id>/recommendations",status="404"} 1.0' in text
    assert 'larder_request_seconds_count{method="other",route="none",status="404"} 1.0' in text
    assert "larder_unknown_users_total 2.0" in text
    assert "larder_fallbacks_total 1.0" in text
    assert 'larder_fallback_lists_total{list="popular"} 1.0' in text
