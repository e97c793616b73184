from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from api.answers.json_text import items_json
from contract.errors import PayloadError
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673), (248, 2.548543), (286, 2.458506)], 88: [(272, 3.164058)]}
FIRST_THREE = [300, 294, 248]


def item_ids(answer: Any) -> list[object]:
    return [item["item_id"] for item in answer["items"]]


def float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def test_the_answer_has_the_list_and_where_it_comes_from(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, generation="20260102-a")
    answer = client.post("/recommendations", json={"user_id": 54})
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.get_json() == {
        "user_id": 54,
        "source": "personalized",
        "generation": "20260102-a",
        "trained_at": "2026-01-02T03:04:05Z",
        "data_until": "2026-01-01T00:00:00Z",
        "items": [
            {"item_id": 300, "score": pytest.approx(2.784323), "rank": 1},
            {"item_id": 294, "score": pytest.approx(2.601673), "rank": 2},
            {"item_id": 248, "score": pytest.approx(2.548543), "rank": 3},
        ],
    }


@pytest.mark.parametrize("user_id", [54, "54"])
def test_a_number_and_its_text_name_the_same_user(client: FlaskClient, fake: FakeRedis, user_id: object) -> None:
    serve(fake, LISTS)
    answer = client.post("/recommendations", json={"user_id": user_id}).get_json()
    assert answer["user_id"] == 54
    assert item_ids(answer) == FIRST_THREE


@pytest.mark.parametrize("user_id", [54, "54"])
def test_answers_carry_the_type_of_the_interactions(client: FlaskClient, fake: FakeRedis, user_id: object) -> None:
    serve(fake, {"54": [("b", 1.0)], "054": [("c", 1.0)]})
    answer = client.post("/recommendations", json={"user_id": user_id}).get_json()
    assert answer["user_id"] == "54"
    assert item_ids(answer) == ["b"]
    assert item_ids(client.post("/recommendations", json={"user_id": "054"}).get_json()) == ["c"]


@pytest.mark.parametrize("user_id", [1, "1", "054", " 54", "54.0", "abc", "\u0000", "💥", 2**63, -(2**63) - 1, 10**400, "x" * 512])
def test_an_unknown_user_is_not_found(client: FlaskClient, fake: FakeRedis, user_id: object) -> None:
    serve(fake, LISTS)
    answer = client.post("/recommendations", json={"user_id": user_id})
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "User not found"


@pytest.mark.parametrize(("k", "expected"), [(1, [300]), (4, [300, 294, 248, 286]), (6, [300, 294, 248, 286]), (None, FIRST_THREE)])
def test_k_is_how_many(client: FlaskClient, fake: FakeRedis, k: int | None, expected: list[int]) -> None:
    serve(fake, LISTS, k=3, depth=6)
    assert item_ids(client.post("/recommendations", json={"user_id": 54, "k": k}).get_json()) == expected


@pytest.mark.parametrize("k", [3001, 10**30])
def test_a_k_beyond_every_depth_is_refused_with_the_limit(client: FlaskClient, fake: FakeRedis, k: int) -> None:
    serve(fake, LISTS, k=3, depth=6)
    answer = client.post("/recommendations", json={"user_id": 54, "k": k})
    assert answer.status_code == 400
    assert "3000" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("asked", "expected", "short"),
    [
        ({"k": 4}, [300, 294, 248, 286], False),
        ({"k": 5}, [300, 294, 248, 286], True),
        ({"k": 2, "offset": 1}, [294, 248], False),
        ({"k": 2, "offset": 3}, [286], True),
        ({"k": 2, "offset": 9}, [], True),
        ({"k": 2, "exclude": [300]}, [294, 248], False),
        ({"k": 3, "exclude": [294, "286", "0300", "x"]}, [300, 248], True),
        ({"k": 2, "exclude": [300], "offset": 1}, [248, 286], False),
        ({}, FIRST_THREE, False),
    ],
)
def test_offset_and_exclude_take_from_what_is_stored(
    client: FlaskClient, fake: FakeRedis, asked: dict[str, object], expected: list[int], short: bool
) -> None:
    serve(fake, LISTS, k=3, depth=6)
    answer = client.post("/recommendations", json={"user_id": 54, **asked}).get_json()
    assert item_ids(answer) == expected
    assert answer.get("short", False) is short
    first = int(str(asked.get("offset", 0))) + 1
    assert [item["rank"] for item in answer["items"]] == list(range(first, first + len(expected)))


def test_metadata_on_request(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, metadata={300: {"title": "Evita “1996”", "genres": ["Drama"]}, 248: {"title": "Grosse Fatigue"}})
    fake.round_trips = 0
    answer = client.post("/recommendations", json={"user_id": 54, "include": ["metadata"]})
    assert [item["metadata"] for item in answer.get_json()["items"]] == [
        {"title": "Evita “1996”", "genres": ["Drama"]},
        {},
        {"title": "Grosse Fatigue"},
    ]
    assert item_ids(answer.get_json()) == FIRST_THREE
    assert fake.round_trips == 3  # the pointer, the list, the metadata


def test_nothing_between_commas_is_refused(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    assert client.get("/users/54/recommendations?exclude=").status_code == 200
    for query in ("include=,", "include=metadata,", "exclude=7,,8"):
        assert client.get(f"/users/54/recommendations?{query}").status_code == 400, query


def test_the_same_by_path(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS, metadata={300: {"title": "Air Force One"}})
    assert client.get("/users/54/recommendations").data == client.post("/recommendations", json={"user_id": 54}).data
    by_path = client.get("/users/54/recommendations?k=1&include=metadata&exclude=294,7&offset=0&explain=false")
    repeated = client.get("/users/54/recommendations?k=1&include=metadata&exclude=294&offset=0&exclude=7")
    assert repeated.data == by_path.data
    by_body = {"user_id": 54, "k": 1, "include": ["metadata"], "exclude": [294, 7]}
    assert by_path.data == client.post("/recommendations", json=by_body).data
    assert client.get("/users/54.0/recommendations").status_code == 404


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("k=0", "k: "),
        ("k=-1", "k: "),
        ("k=ten", "k: "),
        ("k=", "k: "),
        ("k=3001", "3000"),
        ("explain=yes", "explain: "),
        ("fallback=random", "fallback: "),
        ("exclude=" + ",".join(["1"] * 51), "exclude: "),
        ("k=" + "9" * 5000, "k: "),
        ("k=1&k=2", "twice"),
        ("include=titles", "include.0: "),
        ("exclude=" + "&exclude=".join(["1"] * 51), "exclude: "),
        ("explain=true&explain=true", "twice"),
        ("K=1", 'the nearest is "k"'),
        ("user_id=55", '"user_id" is not a field'),
    ],
)
def test_a_bad_query_is_refused(client: FlaskClient, fake: FakeRedis, query: str, detail: str) -> None:
    serve(fake, LISTS)
    answer = client.get(f"/users/54/recommendations?{query}")
    assert answer.status_code == 400
    assert detail in answer.get_json()["detail"]


def test_string_ids_are_escaped(client: FlaskClient, fake: FakeRedis) -> None:
    ugly = 'a"b\\c\n\u2028</script>💥'
    serve(fake, {ugly: [(ugly, 1.0), ("plain", 0.5)]})
    answer = client.post("/recommendations", json={"user_id": ugly})
    assert answer.get_json()["user_id"] == ugly
    assert item_ids(answer.get_json()) == [ugly, "plain"]


def test_an_empty_list_is_a_list(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: []})
    answer = client.post("/recommendations", json={"user_id": 54, "include": ["metadata"]})
    assert (answer.status_code, answer.get_json()["items"]) == (200, [])


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_score_reads_back_as_the_same_float32(scores: list[float]) -> None:
    assert [float32(item["score"]) for item in json.loads(items_json(range(len(scores)), scores))] == scores


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_json_cannot_spell_is_an_error(score: float) -> None:
    with pytest.raises(PayloadError):
        items_json([1, 2], [1.0, score])
