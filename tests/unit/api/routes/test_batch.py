from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from contract.formats import payload
from contract.formats.keys import Keys
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(300, 2.5), (294, 2.25), (248, 2.0)], 88: [(272, 3.0)]}


def test_each_user_gets_what_a_single_question_gets(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, metadata={300: {"title": "Heat"}})
    options: list[dict[str, object]] = [{}, {"k": 1}, {"exclude": [300]}, {"include": ["metadata"], "k": 2, "offset": 1}]
    for more in options:
        batch = client.post("/recommendations/batch", json={"user_ids": [54, "88"], **more}).get_json()
        singles = [client.post("/recommendations", json={"user_id": user, **more}).get_json() for user in (54, 88)]
        of = {name: batch[name] for name in ("generation", "trained_at", "data_until")}
        assert [result | of for result in batch["results"]] == singles


def test_a_user_without_a_list_is_an_error_within(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    answer = client.post("/recommendations/batch", json={"user_ids": [54, 1, "054"]})
    counted = client.get("/metrics").text
    assert "larder_batch_users_total 3.0" in counted
    assert "larder_unknown_users_total 2.0" in counted
    assert answer.status_code == 200
    first, *rest = answer.get_json()["results"]
    assert first["user_id"] == 54
    assert [result["user_id"] for result in rest] == [1, "054"]
    assert [result["problem"]["error"] for result in rest] == ["User not found"] * 2


def test_popular_items_on_request(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    fake.strings[Keys().popular("g1")] = payload.encode([7, 8], [20.0, 10.0])
    answer = client.post("/recommendations/batch", json={"user_ids": [54, 1], "fallback": "popular"}).get_json()
    assert [result["source"] for result in answer["results"]] == ["personalized", "popular"]
    assert [item["item_id"] for item in answer["results"][1]["items"]] == [7, 8]
    assert answer["results"][1]["short"] is True


@pytest.mark.parametrize(("more", "n"), [({}, 1), ({"fallback": "popular"}, 2)])  # the popular list of who has none is read once
def test_it_takes_one_round_trip(client: FlaskClient, fake: FakeRedis, more: dict[str, str], n: int) -> None:
    serve(fake, LISTS)
    client.get("/users/54/recommendations")
    fake.round_trips = 0
    client.post("/recommendations/batch", json={"user_ids": [54, 88, 1] * 100, **more})
    assert fake.round_trips == n


def test_a_pruned_generation_is_left_for_the_current_one(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, "g1")
    client.get("/users/54/recommendations")
    fake.hashes.clear()
    serve(fake, LISTS, "g2")
    answer = client.post("/recommendations/batch", json={"user_ids": [54, 88]}).get_json()
    assert answer["generation"] == "g2"
    assert [result["source"] for result in answer["results"]] == ["personalized"] * 2


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"user_ids": []}, "user_ids: "),
        ({"user_ids": list(range(1001))}, "user_ids: "),
        ({"user_ids": [1.5]}, "user_ids.0: "),
        ({}, "user_ids is missing"),
    ],
)
def test_limits(client: FlaskClient, fake: FakeRedis, body: dict[str, object], detail: str) -> None:
    serve(fake, LISTS)
    answer = client.post("/recommendations/batch", json=body)
    assert answer.status_code == 400
    assert detail in answer.get_json()["detail"]
