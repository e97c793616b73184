"""`ids=text`: every id of an answer is a string, and nothing else of it changes."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from api.http.text_ids import with_text_ids
from contract.formats.keys import Id
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

BIG = 2**63 - 25
LISTS: Lists = {BIG: [(2**53 + 1, 2.5), (7, 1.5)]}


def texts(value: object) -> object:
    """What `ids=text` should make of an answer."""
    if isinstance(value, dict):
        return {name: str(part) if name in ("user_id", "item_id") else texts(part) for name, part in value.items()}
    return [texts(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/users/{BIG}/recommendations", None),
        ("GET", f"/v1/users/{BIG}/recommendations", None),
        ("POST", "/recommendations", {"user_id": BIG}),
        ("POST", "/recommendations/batch", {"user_ids": [BIG, 5, str(BIG)]}),
    ],
)
def test_ids_are_strings_on_demand(client: FlaskClient, fake: FakeRedis, method: str, path: str, body: dict[str, object] | None) -> None:
    serve(fake, LISTS)
    plain, spelt = (client.open(path + query, method=method, json=body) for query in ("", "?ids=text"))
    assert (plain.status_code, spelt.status_code) == (200, 200)
    assert plain.get_json() != spelt.get_json()
    assert spelt.get_json() == texts(plain.get_json())
    assert int(spelt.headers["Content-Length"]) == len(spelt.data)


@pytest.mark.parametrize("query", ["ids=number", "ids=", "ids=text&ids=text"])
def test_another_word_is_refused(client: FlaskClient, fake: FakeRedis, query: str) -> None:
    serve(fake, LISTS)
    for answer in (client.get(f"/users/{BIG}/recommendations?{query}"), client.post(f"/recommendations?{query}", json={"user_id": BIG})):
        assert (answer.status_code, answer.get_json()["detail"]) == (400, answer.get_json()["detail"])


def test_a_route_that_answers_no_ids_knows_no_such_parameter(client: FlaskClient) -> None:
    assert client.get("/health/live?ids=text").status_code == 400


@pytest.mark.parametrize("unknown", [[], [-5], [1, 2**60], ["a", '"item_id":5']])
def test_texts_that_look_like_ids_stay(unknown: list[Id]) -> None:
    answer = {
        "user_id": -4,
        "title": '"item_id":5,"user_id":6',
        "items": [{"item_id": 1, "score": 0.5, "rank": 1}],
        "unknown_items": unknown,
    }
    written = json.dumps(answer, separators=(",", ":")).encode()
    expected = {**answer, "user_id": "-4", "items": [{"item_id": "1", "score": 0.5, "rank": 1}], "unknown_items": [str(i) for i in unknown]}
    assert json.loads(with_text_ids(written)) == expected
