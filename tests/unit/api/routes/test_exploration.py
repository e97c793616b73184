"""Items that a run explores say so in every answer with a user's list, on whatever page, and after a filter."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from contract.formats import explanations, payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve
from tests.support.stocked import stock

KEYS = Keys()
LISTS: Lists = {54: [(1, 4.0), (2, 0.5), (3, 3.0), (4, 2.5), (5, 0.25), (6, 1.5)], 88: [(2, 2.0)]}
PLACES = [1, 4]
PRICES = {1: 10, 2: 20, 3: 30, 4: 40, 5: 50, 6: 60, 7: 70}


@pytest.fixture(autouse=True)
def served(fake: FakeRedis) -> None:
    settings = ModelSettings(k=3, depth=6, explain_depth=2, similar_depth=0, new_items=1, explore=0.34)
    pointer = serve(fake, LISTS, settings=settings, payload_format=payload.MARKED)
    bucket = bucket_of(54, pointer.n_user_buckets)
    marked = payload.encode([item for item, _ in LISTS[54]], [score for _, score in LISTS[54]], PLACES)
    fake.hashes[KEYS.recs(pointer.generation, bucket)]["54"] = marked
    fake.hset(KEYS.why(pointer.generation, bucket), {"54": explanations.encode([[(9, 1.0)]] * 6)})
    fake.strings[KEYS.popular(pointer.generation)] = payload.encode([7, 5, 2, 1], [50.0, 40.0, 30.0, 20.0])
    stock(fake, PRICES)


def ask(client: FlaskClient, **fields: Any) -> list[tuple[Id, str | None]]:
    """Items with what they say of their source: the same by POST, by the slow way of POST, by GET, and in a batch."""
    asked = {"user_id": 54, **fields}
    single = client.post("/recommendations", json=asked).get_json()
    slow = client.post("/recommendations", json=asked, content_type="application/json; charset=utf-8").get_json()
    query = {name: ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() for name, value in fields.items()}
    by_path = client.get("/users/54/recommendations", query_string=query).get_json()
    batch = client.post("/recommendations/batch", json={"user_ids": [54, 88], **fields}).get_json()
    (alone, _) = batch.pop("results")
    assert single == slow == by_path == alone | batch
    return [(item["item_id"], item.get("source")) for item in single["items"]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [1, -2, 3]),
        ({"k": 1}, [1]),
        ({"k": 6}, [1, -2, 3, 4, -5, 6]),
        ({"k": 2, "offset": 3}, [4, -5]),
        ({"exclude": [1]}, [-2, 3, 4]),
        ({"exclude": [2, 1]}, [3, 4, -5]),
        ({"include": ["metadata"]}, [1, -2, 3]),
        ({"explain": True}, [1, -2, 3]),
        ({"filter": "price >= 20"}, [-2, 3, 4]),
        ({"filter": "price >= 30", "offset": 1, "exclude": [3]}, [-5, 6]),
        ({"filter": "price = 50"}, [-5]),
    ],
)
def test_every_way_to_a_list_says_what_is_explored(client: FlaskClient, fields: dict[str, Any], expected: list[int]) -> None:
    assert ask(client, **fields) == [(abs(item), "exploration" if item < 0 else None) for item in expected]


def test_the_answer_is_personalized_and_each_item_says_its_own(client: FlaskClient) -> None:
    answer = client.get("/users/54/recommendations?explain=true").get_json()
    assert answer["source"] == "personalized"
    assert answer["items"][1] == {"item_id": 2, "score": 0.5, "rank": 2, "because": [{"item_id": 9, "share": 1}], "source": "exploration"}


def test_what_is_unavailable_goes_and_takes_no_mark_with_it(client: FlaskClient, fake: FakeRedis) -> None:
    stock(fake, PRICES, unavailable=(1, 3))
    assert ask(client, k=4) == [(2, "exploration"), (4, None), (5, "exploration"), (6, None)]


def test_what_fills_up_says_its_list(client: FlaskClient) -> None:
    answer = client.post("/recommendations", json={"user_id": 54, "k": 5, "fallback": "popular", "exclude": [1, 3, 4]}).get_json()
    found = [(item["item_id"], item.get("source")) for item in answer["items"]]
    assert found == [(2, "exploration"), (5, "exploration"), (6, None), (7, "popular")]


def test_a_list_without_a_mark_says_nothing(client: FlaskClient) -> None:
    assert client.get("/users/88/recommendations").get_json()["items"] == [{"item_id": 2, "score": 2, "rank": 1}]
