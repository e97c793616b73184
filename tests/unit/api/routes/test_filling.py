"""Lists that are shorter than k, where a fallback is asked for: filled up from the popular list, and every item says so."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from contract.formats import payload
from contract.formats.keys import Keys
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(300, 2.5), (294, 2.25)], 7: []}
POPULAR = [294, 1, 2, 300, 3, 4]


@pytest.fixture
def popular(fake: FakeRedis) -> None:
    serve(fake, LISTS)
    fake.strings[Keys().popular("g1")] = payload.encode(POPULAR, [60.0, 50.0, 40.0, 30.0, 20.0, 10.0])


def ask(client: FlaskClient, user: int, **more: object) -> Any:
    single = client.post("/recommendations", json={"user_id": user, "fallback": "popular", **more}).get_json()
    batch = client.post("/recommendations/batch", json={"user_ids": [user], "fallback": "popular", **more}).get_json()
    (alone,) = batch.pop("results")
    assert alone | batch == single
    return single


def of(answer: Any) -> list[tuple[int, bool]]:
    assert [item["rank"] for item in answer["items"]] == list(
        range(answer["items"][0]["rank"], answer["items"][0]["rank"] + len(answer["items"]))
    )
    return [(item["item_id"], "source" in item) for item in answer["items"]]


@pytest.mark.usefixtures("popular")
def test_a_known_user_with_an_empty_list_gets_the_popular_one(client: FlaskClient) -> None:
    answer = ask(client, 7, k=3)
    assert (answer["source"], of(answer)) == ("popular", [(294, True), (1, True), (2, True)])
    assert "short" not in answer
    assert "larder_fallbacks_total 2.0" in client.get("/metrics").text


@pytest.mark.usefixtures("popular")
def test_a_short_list_is_filled_up_without_what_it_holds(client: FlaskClient) -> None:
    answer = ask(client, 54, k=4)
    assert (answer["source"], of(answer)) == ("personalized", [(300, False), (294, False), (1, True), (2, True)])
    assert [item["score"] for item in answer["items"]] == [2.5, 2.25, 50, 40]
    assert of(ask(client, 54, k=2, offset=1)) == [(294, False), (1, True)]
    assert of(ask(client, 54, k=2, offset=3)) == [(2, True), (3, True)]
    assert of(ask(client, 54, k=3, exclude=[300, 1])) == [(294, False), (2, True), (3, True)]
    everything = ask(client, 54, k=3, exclude=[300, 294])
    assert (everything["source"], of(everything)) == ("popular", [(1, True), (2, True), (3, True)])
    short = ask(client, 54, k=9, include=["metadata"])
    assert (short["short"], len(short["items"])) == (True, 6)


@pytest.mark.usefixtures("popular")
def test_nothing_is_filled_unasked_or_without_need(client: FlaskClient) -> None:
    assert client.post("/recommendations", json={"user_id": 7, "k": 3}).get_json()["items"] == []
    assert of(ask(client, 54, k=2)) == [(300, False), (294, False)]
    assert "larder_fallbacks_total 0.0" in client.get("/metrics").text
