"""The API's own page: every operation is on it, and a request that reads works as it is copied."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from tests.support.builders import promote_lists

KEYS = Keys()
READ = "read-" + "r" * 16
READS = (
    "post_recommendations", "get_users_user_id_recommendations", "post_recommendations_batch", "get_items", "get_items_item_id",
    "get_generations_current",
)  # fmt: skip


def client_of(url: str, **settings: str) -> FlaskClient:
    return create_app(Settings.from_environ({"LARDER_REDIS_URL": url, "LARDER_POINTER_TTL_MS": "0", **settings})).test_client()


def curls(page: str) -> Mapping[str, list[str]]:
    return {name: shlex.split(html.unescape(code)) for name, code in re.findall(r'<code id="curl-(\w+)">(.*?)</code>', page, re.DOTALL)}


def test_every_operation_has_a_request_and_those_that_read_work(store_redis: Redis, redis_server: str) -> None:
    lists = {"o'neill 5": [("a b", 2.0), ("é", 1.0)]}
    promote_lists(store_redis, KEYS, lists, metadata={"a b": {"title": "Alien"}})
    client = client_of(redis_server)
    page = client.get("/reference").text
    document = client.get("/openapi.json").get_json()
    assert len(page) < 120_000
    found = curls(page)
    listed = {one["operationId"] for path, each in document["paths"].items() for one in each.values() if not path.startswith("/docs/")}
    assert found.keys() == listed
    for name in READS:
        words = found[name]
        address = urlsplit(next(word for word in words if word.startswith("http")))
        asked = f"{address.path}?{address.query}"
        answer = client.post(asked, json=json.loads(words[words.index("-d") + 1])) if "-d" in words else client.get(asked)
        assert answer.status_code == 200, (words, answer.text)
    assert re.findall(r'href="#([\w-]+)"', page)
    assert {anchor for anchor in re.findall(r'href="#([\w-]+)"', page) if f'id="{anchor}"' not in page} == set()
    assert "o'neill" not in " ".join(found["delete_users_user_id"]), "nobody is erased by an example"
    assert 'href="/docs"' in page


@pytest.mark.parametrize("settings", [{"LARDER_REDIS_URL": "redis://127.0.0.1:1/0"}, {}], ids=["Redis is away", "nothing is served"])
def test_it_is_read_while_nothing_is_served(store_redis: Redis, redis_server: str, settings: Mapping[str, str]) -> None:
    answer = client_of(redis_server, **settings).get("/reference")
    assert answer.status_code == 200
    assert "/v1/users/USER_ID/recommendations" in answer.text


def test_without_a_key_it_names_no_user(store_redis: Redis, redis_server: str) -> None:
    promote_lists(store_redis, KEYS, {"lady-m": [(1, 2.0)]})
    client = client_of(redis_server, LARDER_API_READ_KEYS=READ)
    assert "lady-m" not in client.get("/reference").text
    page = client.get("/reference", headers={"X-API-Key": READ}).text
    assert "lady-m" in page
    assert "Authorization: Bearer $LARDER_KEY" in curls(page)["get_popular"]
