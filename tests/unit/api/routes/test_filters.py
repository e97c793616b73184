"""`filter` on every list: filled from the stored depth, then from what of the fallback passes, held to one revision of the items."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.lists.store import Store
from contract.errors import StoreError
from contract.formats import explanations, payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists
from tests.support.fakes import Clock, FakeRedis, serve
from tests.support.stocked import stock

KEYS = Keys()
LISTS: Lists = {54: [(1, 4.0), (2, 3.5), (3, 3.0), (4, 2.5), (5, 2.0), (6, 1.5)], 88: [(2, 2.0)], 7: []}
SIMILAR: dict[int, list[tuple[int, float]]] = {1: [(2, 0.5), (3, 0.25), (4, 0.125)], 2: [(3, 0.5), (5, 0.5)]}
PRICES = {1: 10, 2: 20, 3: 30, 4: 40, 5: 50, 6: 60, 7: 70, 8: 80}
SHOES = "categories = 'shoes' and price < 60"


@pytest.fixture(autouse=True)
def served(fake: FakeRedis) -> None:
    pointer = serve(fake, LISTS, settings=ModelSettings(k=3, depth=6, similar_depth=5), n_item_buckets=1)
    for item_id, entries in SIMILAR.items():
        key = KEYS.similar(pointer.generation, bucket_of(item_id, pointer.n_item_buckets))
        fake.hset(key, {str(item_id): payload.encode([item for item, _ in entries], [score for _, score in entries])})
    fake.strings[KEYS.popular(pointer.generation)] = payload.encode([8, 6, 2, 4, 1], [50.0, 40.0, 30.0, 20.0, 10.0])
    stock(fake, PRICES)


def ids(answer: Any) -> list[Id]:
    return [item["item_id"] for item in answer["items"]]


def ask(client: FlaskClient, user: int, text: str, **more: Any) -> Any:
    """The answer of three routes, which is one."""
    fields = {"filter": text, **more}
    single = client.post("/recommendations", json={"user_id": user, **fields}).get_json()
    batch = client.post("/recommendations/batch", json={"user_ids": [user], **fields}).get_json()
    (alone,) = batch.pop("results")
    assert alone | batch == single
    query = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if value is True else value
        for name, value in fields.items()
    }
    assert client.get(f"/users/{user}/recommendations", query_string=query).get_json() == single
    return single


def test_a_list_is_filled_from_the_stored_depth(client: FlaskClient) -> None:
    answer = ask(client, 54, "price >= 20 and price < 60")
    assert (ids(answer), [item["rank"] for item in answer["items"]], [item["score"] for item in answer["items"]]) == (
        *([2, 3, 4], [1, 2, 3], [3.5, 3.0, 2.5]),
    )
    assert not {"short", "passed"} & answer.keys()
    assert ids(ask(client, 54, "price >= 20", offset=2, k=2)) == [4, 5]
    assert ids(ask(client, 54, "price >= 20", exclude=[3])) == [2, 4, 5]


def test_too_few_are_counted(client: FlaskClient) -> None:
    answer = ask(client, 54, SHOES)
    assert (ids(answer), answer["short"], answer["passed"]) == ([2, 4], True, 2)
    answer = ask(client, 54, SHOES, exclude=[4], offset=1)
    assert (ids(answer), answer["passed"]) == ([], 1)
    assert ask(client, 54, "price > 1000")["passed"] == 0


def test_then_from_what_passes_of_the_popular_list(client: FlaskClient) -> None:
    answer = ask(client, 88, "categories = 'shoes' and price < 80", fallback="popular", include=["metadata"])
    assert [(item["item_id"], item.get("source"), item["metadata"]) for item in answer["items"]] == [
        (2, None, {"price": 20}),
        (6, "popular", {"price": 60}),
        (4, "popular", {"price": 40}),
    ]
    answer = ask(client, 88, SHOES, fallback="popular")
    assert (ids(answer), answer["passed"]) == ([2, 4], 2)
    for user in (7, 99):  # with an empty list, and without one
        answer = ask(client, user, SHOES, fallback="popular", k=1)
        assert (answer["source"], ids(answer)) == ("popular", [2])


def test_lists_of_items_and_sessions_are_filtered(client: FlaskClient) -> None:
    assert ids(client.get("/popular", query_string={"filter": "price<50"}).get_json()) == [2, 4, 1]
    similar = client.get("/items/1/similar", query_string={"filter": "price != 20"}).get_json()
    assert (ids(similar), similar["short"], similar["passed"]) == ([3, 4], True, 2)
    session = {"items": [{"item_id": 1}, {"item_id": 2}], "filter": "price > 30", "k": 2}
    assert ids(client.post("/recommendations/session", json=session).get_json()) == [5, 4]


def test_reasons_stay_with_their_items(client: FlaskClient, fake: FakeRedis) -> None:
    pointer = serve(fake, LISTS, generation="g2", settings=ModelSettings(k=3, depth=6, explain_depth=1))
    why = explanations.encode([[(100 + item, 1.0)] for item, _ in LISTS[54]])
    fake.hset(KEYS.why("g2", bucket_of(54, pointer.n_user_buckets)), {"54": why})
    stock(fake, PRICES, revision=2, unavailable=(3,))
    answer = ask(client, 54, "price != 20", explain=True)
    assert [(item["item_id"], item["because"][0]["item_id"]) for item in answer["items"]] == [(1, 101), (4, 104), (5, 105)]


def test_the_filter_follows_the_items_and_leaves_out_what_is_unavailable(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    assert ids(ask(client, 54, "price < 25")) == [1, 2]
    tag = client.get("/users/54/recommendations?filter=price<25").headers["ETag"]
    stock(fake, {**PRICES, 2: 99, 5: 5}, revision=2, unavailable=(1,))
    clock.now_s += 1
    answer = ask(client, 54, "price < 25", include=["metadata"])
    assert [(item["item_id"], item["metadata"]) for item in answer["items"]] == [(5, {"price": 5})]
    assert client.get("/users/54/recommendations?filter=price<25", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "filter, at character 1: the filter ends where"),
        ("price <", "filter, at character 8: the filter ends where a number"),
        ("prise < 5", 'filter, at character 1: "prise" is not a column that can be filtered by; the nearest is "price".'),
        ("price = 'x'", 'filter, at character 9: "price" holds numbers, and this is none.'),
        ("\u202e", 'filter, at character 1: "\\u202e" has no meaning'),
        ("x" * 1001, "filter, at character 1001: a filter has at most 1,000 characters"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(client: FlaskClient, text: str, said: str) -> None:
    for answer in (
        client.post("/recommendations", json={"user_id": 54, "filter": text}),
        client.post("/recommendations/batch", json={"user_ids": [54], "filter": text}),
        client.get("/popular", query_string={"filter": text}),
    ):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "Invalid request data")
        assert answer.get_json()["detail"].startswith(said)


def test_without_columns_a_filter_is_refused(client: FlaskClient, fake: FakeRedis) -> None:
    del fake.strings[KEYS.items_pointer]
    answer = client.post("/recommendations", json={"user_id": 54, "filter": SHOES})
    assert (answer.status_code, answer.get_json()["error"]) == (409, "No filters")
    assert "LARDER_FILTER_COLUMNS" in answer.get_json()["detail"]
    assert client.get("/popular").status_code == 200


def test_columns_that_are_gone_are_an_error(store: Store, fake: FakeRedis) -> None:
    del fake.hashes[KEYS.columns("1")]["price"]
    with pytest.raises(StoreError, match="columns:1 is gone"):
        store.pointers.current()


def test_columns_are_read_once_a_revision(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    ask(client, 54, SHOES)
    clock.now_s += 1
    before = fake.round_trips
    client.post("/recommendations", json={"user_id": 54, "filter": SHOES})
    assert fake.round_trips - before == 2  # the pointers, whose time is over, and the list
