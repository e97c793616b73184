"""The explorer as a browser asks for it: what a search finds, a list that is filtered as the API filters it, and the request to copy."""

from __future__ import annotations

import html
import json
import re
import shlex

import polars as pl
import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from tests.support.builders import promote_lists
from trainer.items.columns import filter_columns
from trainer.items.items import cleaned
from trainer.items.revision import ItemsSnapshot, write_revision
from trainer.items.titles import with_titles
from worker.writer import write_names

KEYS = Keys()
ITEMS = {
    "item": ["1", "2", "3"], "title": ["Alien <b>", "Brazil", "Alien Nation"], "price": [5.0, 20.0, 9.0],
    "image": ["/pictures/1.png", "https://images.shop.example/2.png", "https://elsewhere.example/3.png"],
}  # fmt: skip


@pytest.fixture
def client(store_redis: Redis, redis_server: str) -> FlaskClient:
    lists = {54: [(2, 3.0), (1, 2.0), (3, 1.0)], 540: [(1, 1.0)]}
    promote_lists(store_redis, KEYS, lists, generation="g1", finds_users=True)
    write_names(Generations(store_redis, KEYS), KEYS.names("g1"), (54, 540))
    items = cleaned(pl.DataFrame(ITEMS), "a test")
    rows, columns = filter_columns(items, {"price": None}, [])
    catalogue = Catalogue(store_redis, KEYS)
    snapshot = with_titles(ItemsSnapshot(items, frozenset(), {"": rows, **columns}), Settings(), "")
    catalogue.switch(write_revision(catalogue, catalogue.begin(), snapshot, "command"))
    variables = {"REDIS_URL": redis_server, "POINTER_TTL_MS": "0", "API_IMAGE_ORIGINS": "https://images.shop.example"}
    return create_app(Settings.from_environ({f"LARDER_{name}": value for name, value in variables.items()})).test_client()


def test_a_search_finds_users_and_items(client: FlaskClient) -> None:
    part = client.get("/explore/found?q=54").text
    assert re.findall(r'href="/explore\?user=(\d+)"', part) == ["54", "540"]
    part = client.get("/explore/found?q=alien").text
    assert re.findall(r'href="/explore\?item=(\d+)"', part) == ["1", "3"]
    assert "Alien &lt;b&gt;" in part
    assert "Nothing is found for “&lt;i&gt;”" in client.get("/explore/found", query_string={"q": "<i>"}).text
    assert client.get("/explore/found?q=").text.strip() == ""
    assert 'href="/explore?item=2"' in client.get("/explore?q=2").text, "an id of an item, and without a script"


def test_a_filter_leaves_what_the_api_would_leave(client: FlaskClient) -> None:
    page = client.get("/explore", query_string={"user": "54", "filter": "price < 10", "k": "3"}).text
    asked = client.post("/v1/recommendations", json={"user_id": 54, "k": 3, "filter": "price < 10"}).get_json()["items"]
    table = page.partition("Recommendations, best first")[2].partition("</table>")[0]
    assert re.findall(r"/explore\?item=(\d+)", table) == [str(item["item_id"]) for item in asked] == ["1", "3"]
    wrong = client.get("/explore", query_string={"user": "54", "filter": "price <"})
    assert wrong.status_code == 200
    assert "The list below is not filtered." in wrong.text
    assert 'aria-invalid="true"' in wrong.text


def test_the_request_to_copy_gets_the_list_that_is_shown(client: FlaskClient) -> None:
    page = client.get("/explore", query_string={"user": "54", "filter": "price < 10", "k": "1"}).text
    codes = [html.unescape(code) for code in re.findall(r'<code id="snippet-\d">(.*?)</code>', page, re.DOTALL)]
    words = shlex.split(codes[0])
    body = json.loads(words[words.index("-d") + 1])
    assert body == {"user_id": 54, "k": 1, "include": ["metadata"], "filter": "price < 10"}
    assert [item["item_id"] for item in client.post("/v1/recommendations", json=body).get_json()["items"]] == [1]
    assert len(codes) == 3


def test_pictures_are_of_this_host_or_of_origins_that_are_allowed(client: FlaskClient) -> None:
    answer = client.get("/explore?user=54&k=3")
    assert re.findall(r'<img class="thumb" src="([^"]+)"', answer.text) == ["https://images.shop.example/2.png", "/pictures/1.png"]
    assert "img-src 'self' https://images.shop.example;" in answer.headers["Content-Security-Policy"]


def test_any_generation_with_lists_can_be_chosen_and_is_carried_along(client: FlaskClient, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {54: [(3, 2.0), (2, 1.0)]}, generation="g2", finds_users=True)
    served = client.get("/explore?user=54").text
    assert re.findall(r'<option value="g\d"[^>]*>([^<]+)<', served) == ["g2 (served)", "g1"]
    assert "generation=" not in "".join(re.findall(r'href="([^"]*explore[^"]*)"', served)), "what is served needs no name"

    page = client.get("/explore?user=54&generation=g1&k=2").text
    assert "This generation is not served." in page
    assert 'value="g1" selected' in page
    table = page.partition("Recommendations, best first")[2].partition("</table>")[0]
    assert re.findall(r"/explore\?item=(\d+)&amp;generation=g1", table) == ["2", "1"]
    assert "which is served now" in page
    assert page.count('<input type="hidden" name="generation" value="g1">') == 3, "in each form"
    assert 'data-from="/explore/found?generation=g1"' in page
    assert 'href="/explore?user=54&amp;k=2"' in page, "the same, of what is served"

    words = shlex.split(html.unescape(re.findall(r'<code id="snippet-1">(.*?)</code>', page, re.DOTALL)[0]))
    address, body = next(word for word in words if "/v1/" in word), json.loads(words[words.index("-d") + 1])
    answer = client.post(address.partition("localhost")[2], json=body).get_json()
    assert (answer["generation"], [item["item_id"] for item in answer["items"]]) == ("g1", [2, 1])
    assert "generation=g1" in client.get("/explore?random=1&generation=g1").headers["Location"]
    found = client.get("/explore/found?q=54&generation=g1").text
    assert 'href="/explore?user=540&amp;generation=g1"' in found, "a user that the served generation does not have"
    assert 'href="/explore?generation=g1"' in client.get("/cards/g1").text


@pytest.mark.parametrize("name", ["g9", "<i>", "g" * 999])
def test_a_generation_without_lists_is_said_to_be_gone(client: FlaskClient, name: str) -> None:
    answer = client.get("/explore", query_string={"user": "54", "generation": name})
    assert answer.status_code == 410
    assert "These lists are gone" in answer.text
    assert "<i>" not in answer.text
