"""Items, similar items, popular items and sessions."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from contract.formats import payload
from contract.formats.keys import Keys, bucket_of
from contract.formats.manifest import Pointer
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(1, 2.5), (2, 2.25)]}
SIMILAR: dict[int, list[tuple[int, float]]] = {1: [(2, 0.5), (3, 0.25), (4, 0.125)], 2: [(4, 0.5), (1, 0.5)], 9: []}


@pytest.fixture
def served(fake: FakeRedis) -> Pointer:
    settings = ModelSettings(k=3, depth=6, similar_depth=5)
    pointer = serve(fake, LISTS, metadata={1: {"title": "Heat"}}, settings=settings, n_item_buckets=3)
    for item_id, entries in SIMILAR.items():
        key = Keys().similar(pointer.generation, bucket_of(item_id, pointer.n_item_buckets))
        fake.hset(key, {str(item_id): payload.encode([item for item, _ in entries], [score for _, score in entries])})
    fake.strings[Keys().popular(pointer.generation)] = payload.encode([3, 1], [20.0, 10.0])
    return pointer


def items(answer: Any) -> list[tuple[int, float]]:
    return [(item["item_id"], item["score"]) for item in answer["items"]]


@pytest.mark.parametrize("path", ["/items/1", "/items?item_id=1"])
def test_an_item(client: FlaskClient, served: Pointer, path: str) -> None:
    answer = client.get(path).get_json()
    assert (answer["item_id"], answer["metadata"], answer["generation"]) == (1, {"title": "Heat"}, "g1")
    assert client.get(path.replace("1", "2")).get_json()["metadata"] == {}
    unknown = client.get(path.replace("1", "01"))
    assert (unknown.status_code, unknown.get_json()["error"]) == (404, "Item not found")


@pytest.mark.parametrize("path", ["/items/1/similar?", "/similar?item_id=1&"])
def test_similar_items(client: FlaskClient, served: Pointer, path: str) -> None:
    assert items(client.get(path).get_json()) == [(2, 0.5), (3, 0.25), (4, 0.125)]
    assert items(client.get(path + "k=1&offset=1&exclude=2").get_json()) == [(4, 0.125)]
    described = client.get(path + "include=metadata").get_json()
    assert [item["metadata"] for item in described["items"]] == [{}, {}, {}]
    unknown = client.get(path.replace("1", "77"))
    assert (unknown.status_code, unknown.get_json()["error"]) == (404, "Item not found")


def test_popular_items(client: FlaskClient, served: Pointer) -> None:
    answer = client.get("/popular?k=2").get_json()
    assert (answer["source"], items(answer)) == ("popular", [(3, 20.0), (1, 10.0)])
    assert client.get("/popular?k=3").get_json()["short"] is True


def test_a_session_is_the_weighted_sum_of_similar_items_without_what_it_has_met(client: FlaskClient, served: Pointer) -> None:
    asked = {"items": [{"item_id": 1, "weight": 2.0}, {"item_id": "2"}, {"item_id": 77, "weight": 1}, {"item_id": "x"}], "k": 5}
    answer = client.post("/recommendations/session", json=asked).get_json()
    assert items(answer) == [(4, 2 * 0.125 + 0.5), (3, 2 * 0.25)]
    assert (answer["source"], answer["unknown_items"], answer["short"]) == ("session", [77, "x"], True)
    assert items(client.post("/recommendations/session", json={**asked, "exclude": [4]}).get_json()) == [(3, 0.5)]
    assert items(client.post("/recommendations/session", json={**asked, "k": 1, "offset": 1}).get_json()) == [(3, 0.5)]


def test_an_item_that_stands_twice_weighs_twice(client: FlaskClient, served: Pointer) -> None:
    twice = client.post("/recommendations/session", json={"items": [{"item_id": 1}, {"item_id": "1"}]}).get_json()
    assert items(twice)[0] == (2, 1.0)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"items": []}, "items: "),
        ({"items": [{"item_id": 1, "weight": 0}]}, "items.0.weight: "),
        ({"items": [{"item_id": 1, "wieght": 1}]}, '"items.0.wieght" is not a field; the nearest is "weight"'),  # codespell:ignore
        ({"items": [{"weight": 1}]}, "items.0.item_id is missing"),
        ({"items": [{"item_id": 1}] * 201}, "items: "),
    ],
)
def test_bad_sessions(client: FlaskClient, served: Pointer, body: dict[str, object], detail: str) -> None:
    answer = client.post("/recommendations/session", json=body)
    assert answer.status_code == 400
    assert detail in answer.get_json()["detail"]


def test_a_generation_without_similar_items_says_so(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, settings=ModelSettings(k=3, depth=6, similar_depth=0))
    for answer in (client.get("/items/1/similar"), client.post("/recommendations/session", json={"items": [{"item_id": 1}]})):
        assert (answer.status_code, answer.get_json()["error"]) == (409, "No similar items")


def test_similar_items_and_sessions_are_filled_up_on_request(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    fake.strings[Keys().popular("g1")] = payload.encode([1, 90, 91, 92, 93, 94, 95, 96, 97], [float(n) for n in range(99, 90, -1)])
    for path in ("/items/1/similar?", "/similar?item_id=1&"):
        own = [item["item_id"] for item in client.get(f"{path}k=5").get_json()["items"]]
        filled = client.get(f"{path}k=5&fallback=popular").get_json()["items"]
        assert len(own) < 5 == len(filled)
        assert [item["item_id"] for item in filled] == [*own, *[item for item in range(90, 98) if item not in own]][:5]
        assert ["source" in item for item in filled] == [at >= len(own) for at in range(5)]
    nothing: dict[str, object] = {"items": [{"item_id": 12345}], "k": 2}
    assert client.post("/recommendations/session", json=nothing).get_json()["items"] == []
    answer = client.post("/recommendations/session", json=nothing | {"fallback": "popular"}).get_json()
    assert (answer["source"], [(item["item_id"], item["source"]) for item in answer["items"]]) == (
        "popular",
        [(1, "popular"), (90, "popular")],
    )
