"""What a browser learns before, and with, an answer to a page of another origin."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

SHOP, OTHER = "https://shop.example", "https://other.example"
LISTS: Lists = {54: [(300, 2.5)]}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
PATHS = ("/recommendations", "/v1/recommendations", "/popular", "/runs")


def client_of(store: Store, **settings: str) -> FlaskClient:
    return create_app(Settings(**settings), store).test_client()


@pytest.fixture
def shop(store: Store, fake: FakeRedis) -> FlaskClient:
    serve(fake, LISTS)
    return client_of(store, api_cors_origins=f"{SHOP},http://localhost:3000", api_read_keys="read-" + "r" * 16)


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_needs_no_key(shop: FlaskClient, path: str) -> None:
    answer = shop.options(path, headers={"Origin": SHOP, **ASKS})
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers.getlist("Vary")


def test_an_origin_that_is_not_named_is_allowed_nothing(shop: FlaskClient) -> None:
    for origin in (OTHER, "https://shop.example.evil", "http://shop.example", "null"):
        for answer in (shop.options("/popular", headers={"Origin": origin, **ASKS}), shop.get("/popular", headers={"Origin": origin})):
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize("origins", ["*", SHOP])
def test_answers_of_the_fast_lane_and_of_flask_say_so(store: Store, fake: FakeRedis, origins: str) -> None:
    serve(fake, LISTS)
    client = client_of(store, api_cors_origins=origins)
    body = json.dumps({"user_id": 54})
    for path in ("/recommendations", "/v1/recommendations"):
        for kind in ("application/json", "application/json; charset=utf-8"):
            answer = client.post(path, data=body, content_type=kind, headers={"Origin": SHOP})
            assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*" if origins == "*" else SHOP)
            assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_errors_can_be_read_too_and_caches_keep_origins_apart(shop: FlaskClient) -> None:
    answer = shop.get("/popular", headers={"Origin": SHOP})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, SHOP)
    assert "Origin" in shop.get("/popular").headers.getlist("Vary")


def test_no_other_origin_reads_a_page(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    client = client_of(store, api_cors_origins="*")
    for path in ("/runbook", "/explore", "/sign-in"):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": SHOP}).headers


def test_without_the_setting_nothing_is_said_and_options_is_no_method(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    answer = client.options("/popular", headers={"Origin": SHOP, **ASKS})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    found = client.get("/popular", headers={"Origin": SHOP})
    assert not [name for name in found.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118 (not a dict)


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/", "https://shop.example/path", "null", "https://*.example:0"])
def test_what_is_no_origin_is_refused(origins: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Settings(api_cors_origins=origins)
