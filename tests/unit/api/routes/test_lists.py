"""Named lists, by themselves and as a chain that fills up what is too short."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.item_revisions import encode_ids
from contract.store.lists import CATEGORY, CHUNK, SEGMENT, Listed, fields_of
from tests.support.builders import Lists, items_pointer
from tests.support.fakes import FakeRedis, serve

USERS: Lists = {54: [(1, 4.0), (2, 3.0)], 7: []}
N = 2 * CHUNK + 10
NAMED = {
    Listed("popular"): list(range(N)),
    Listed("popular", CATEGORY, "Drama"): [4, 2],
    Listed("popular", SEGMENT, "SE"): [9, 8, 1],
    Listed("trending"): [7, 2],
}
KEYS = Keys()


def unavailable(fake: FakeRedis, items: range) -> None:
    fake.strings[KEYS.unavailable("1")] = encode_ids(map(str, items))
    pointer = items_pointer(n_items=0, n_unavailable=len(items))
    fake.strings[KEYS.items_pointer] = pointer.model_dump_json().encode()


@pytest.fixture(autouse=True)
def served(fake: FakeRedis) -> None:
    pointer = serve(fake, USERS, k=3).model_copy(update={"lists": "popular,trending"})
    fake.strings[KEYS.current] = pointer.model_dump_json().encode()
    ends: list[int] = []
    items: list[int] = []
    for found in NAMED.values():
        items += found
        ends.append(len(items))
    fake.hset(KEYS.lists("g1"), dict(fields_of(list(NAMED), items, [1.5] * len(items), ends, range(N))))


def get(client: FlaskClient, path: str) -> Any:
    return client.get(path).get_json()


def of(answer: Any) -> list[tuple[int, str]]:
    return [(item["item_id"], item.get("source", "")) for item in answer["items"]]


def test_a_list_is_what_was_cooked(client: FlaskClient) -> None:
    answer = get(client, "/lists/popular?k=2&offset=1")
    assert (answer["source"], of(answer), [item["rank"] for item in answer["items"]]) == ("popular", [(1, ""), (2, "")], [2, 3])
    assert of(get(client, "/popular?k=2")) == [(0, ""), (1, "")]
    answer = get(client, "/lists/popular?category=Drama")
    assert (answer["category"], of(answer), answer["short"]) == ("Drama", [(4, ""), (2, "")], True)
    answer = get(client, "/lists/popular?segment=SE&exclude=8")
    assert (answer["segment"], of(answer), answer["short"]) == ("SE", [(9, ""), (1, "")], True)
    assert get(client, "/lists/trending?exclude=7,2")["items"] == []


def test_it_is_read_as_far_as_it_is_needed(client: FlaskClient, fake: FakeRedis) -> None:
    unavailable(fake, range(CHUNK + 5))
    before = fake.round_trips
    assert [item for item, _ in of(get(client, "/lists/popular"))] == [CHUNK + 5, CHUNK + 6, CHUNK + 7]
    read = fake.round_trips - before
    assert get(client, f"/popular?offset={N - CHUNK - 6}&k=5")["items"][0]["item_id"] == N - 1
    assert fake.round_trips - before == read + 1
    get(client, "/lists/popular?k=200")
    assert fake.round_trips - before == read + 1, "chunks are kept"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/lists/popularx", 'no list "popularx"; the nearest is "popular"'),
        ("/lists/new", 'no list "new"; the nearest is'),
        ("/lists/popular?category=Dramas", 'no lists of the category "Dramas"; the nearest is "Drama"'),
        ("/lists/trending?segment=NO", 'no lists of the segment "NO"; the nearest is "SE"'),
        ("/lists/new?fallback=popular", 'no list "new"'),
    ],
)
def test_what_is_not_there_is_a_404_with_the_nearest(client: FlaskClient, path: str, said: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["error"]) == (404, "List not found")
    assert said in answer.get_json()["detail"]


def test_a_list_of_a_category_that_has_none_is_empty(client: FlaskClient) -> None:
    assert get(client, "/lists/trending?category=Drama") | {"items": [], "short": True} == get(client, "/lists/trending?category=Drama")
    assert client.get("/lists/popular?category=Drama&segment=SE").status_code == 404


def test_a_chain_fills_in_its_order_and_says_so(client: FlaskClient) -> None:
    chain = "fallback=trending,popular"
    answer = get(client, f"/users/54/recommendations?k=5&{chain}")
    assert (answer["source"], of(answer)) == ("personalized", [(1, ""), (2, ""), (7, "trending"), (0, "popular"), (3, "popular")])
    assert of(get(client, f"/users/54/recommendations?k=2&offset=2&{chain}")) == [(7, "trending"), (0, "popular")]
    for user in (7, 99):
        answer = get(client, f"/users/{user}/recommendations?{chain}")
        assert (answer["source"], of(answer)) == ("trending", [(7, "trending"), (2, "trending"), (0, "popular")])
        batch = client.post("/recommendations/batch", json={"user_ids": [user], "fallback": "trending,popular"}).get_json()
        assert batch["results"][0] | {name: batch[name] for name in ("generation", "trained_at", "data_until")} == answer
    assert of(get(client, f"/lists/popular?category=Drama&{chain}")) == [(4, ""), (2, ""), (7, "trending")]
    text = client.get("/metrics").text
    assert 'larder_fallback_lists_total{list="trending"} 7.0' in text
    assert 'larder_fallback_lists_total{list="popular"} 6.0' in text


@pytest.mark.parametrize("wrong", ["latest", "popular,popularr", "popular,", ""])
def test_a_chain_of_other_names_is_refused(client: FlaskClient, wrong: str) -> None:
    assert client.post("/recommendations", json={"user_id": 54, "fallback": wrong}).status_code == 400


def test_a_chain_can_be_a_setting(store: Store) -> None:
    client = create_app(Settings(fallback="trending,popular"), store).test_client()

    def ask(user: int, **more: object) -> Any:
        return client.post("/recommendations", json={"user_id": user, **more})  # of known users, by the fast lane

    assert of(ask(54, k=2).get_json()) == [(1, ""), (2, "")]
    assert of(ask(54).get_json()) == [(1, ""), (2, ""), (7, "trending")]
    assert of(ask(99).get_json())[0] == (7, "trending")
    assert ask(54, fallback="none").get_json()["short"] is True
    assert ask(99, fallback="none").status_code == 404
    assert of(ask(99, fallback="popular", k=1).get_json()) == [(0, "popular")]
    assert len(client.post("/recommendations/batch", json={"user_ids": [99, 54]}).get_json()["results"][0]["items"]) == 3
