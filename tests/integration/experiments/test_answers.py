"""Answers while an experiment runs: each user's from the generation of the user's arm, by every way to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from contract.experiments.arms import arms_of
from contract.experiments.moves import Experiments
from contract.formats import payload
from contract.formats.keys import Keys
from contract.settings.settings import ModelSettings, Settings
from contract.store import recent_events
from contract.store.generations import Generations
from tests.integration.experiments.served import ask
from tests.support.builders import Lists, promote_lists

KEYS = Keys()
WRITE = "write-" + "k" * 16
USERS = range(40)
FIRST: Lists = {user: [(item, 9.0 - item) for item in range(4)] for user in USERS}
SECOND: Lists = {user: [(item, 90.0 - item) for item in range(10, 14)] for user in USERS}
HALF = {"current": 5000, "g1": 5000}
Make = Callable[..., FlaskClient]


@pytest.fixture
def experiments(store_redis: Redis) -> Experiments:
    """g2 is served, and g1 was, of the same users and other items."""
    for name, lists in (("g1", FIRST), ("g2", SECOND)):
        promote_lists(store_redis, KEYS, lists, generation=name, settings=ModelSettings(k=3, depth=4, similar_depth=0))
        items = [item for item, _ in lists[0]]
        store_redis.set(KEYS.popular(name), payload.encode(items[::-1], [4.0, 3.0, 2.0, 1.0]))
    return Experiments(Generations(store_redis, KEYS))


def items(answer: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in answer["items"]]


def expected(experiments: Experiments) -> dict[int, tuple[str, str, int]]:
    """The arm of each user, its generation, and the first item of the list."""
    served = experiments.served()
    assert served is not None
    arms = arms_of(served)
    assert arms is not None
    found = {user: arms.of_user(user) for user in USERS}
    assert {pointer.arm for pointer in found.values()} == {"current", "g1"}
    return {user: (pointer.arm, pointer.generation, 0 if pointer.generation == "g1" else 10) for user, pointer in found.items()}


def said(answer: dict[str, Any]) -> tuple[str, str, int]:
    return answer["arm"], answer["generation"], items(answer)[0]


def test_every_way_to_ask_says_the_same(make: Make, experiments: Experiments) -> None:
    experiments.start(HALF, "anna")
    client, wanted = make(), expected(experiments)
    assert {user: said(ask(client, user)) for user in USERS} == wanted
    assert {user: said(ask(client, str(user), exclude=[99])) for user in USERS} == wanted
    assert {user: said(client.get(f"/users/{user}/recommendations").get_json()) for user in USERS} == wanted
    assert {user: said(client.get(f"/users/{user}/recommendations?offset=0").get_json()) for user in USERS} == wanted
    for more in ({}, {"include": ["metadata"]}):
        batch = client.post("/recommendations/batch", json={"user_ids": list(USERS), **more}).get_json()
        assert (batch["generation"], "arm" in batch) == ("g2", False)
        assert [result["user_id"] for result in batch["results"]] == list(USERS)
        assert {result["user_id"]: said(result) for result in batch["results"]} == wanted


def test_unknown_users_get_what_fills_up_from_their_own_arm(make: Make, experiments: Experiments) -> None:
    experiments.start(HALF, "anna")
    client = make()
    served = experiments.served()
    arms = served and arms_of(served)
    assert arms
    for user in range(900, 910):
        answer, arm = ask(client, user, fallback="popular"), arms.of_user(user)
        assert (answer["arm"], answer["generation"], answer["source"]) == (arm.arm, arm.generation, "popular")
        assert items(answer)[0] == (3 if arm.generation == "g1" else 13)
    assert client.post("/recommendations", json={"user_id": 900}).status_code == 404
    batch = client.post("/recommendations/batch", json={"user_ids": [900, 1]}).get_json()["results"]
    assert ("problem" in batch[0], "arm" in batch[0], batch[1]["arm"]) == (True, False, arms.of_user(1).arm)


def test_who_tests_names_the_arm(make: Make, experiments: Experiments) -> None:
    experiments.start(HALF, "anna")
    client = make()
    for arm, generation, first in (("g1", "g1", 0), ("current", "g2", 10)):
        assert {said(ask(client, user, f"?arm={arm}")) for user in USERS} == {(arm, generation, first)}
        batch = client.post(f"/recommendations/batch?arm={arm}", json={"user_ids": [1, 2]}).get_json()
        assert (batch["arm"], batch["generation"], [items(one)[0] for one in batch["results"]]) == (arm, generation, [first, first])
        popular = client.get(f"/popular?arm={arm}").get_json()
        assert (popular["arm"], popular["generation"], items(popular)[0]) == (arm, generation, first + 3)
    nobody = client.get("/popular").get_json()
    assert (nobody["generation"], "arm" in nobody) == ("g2", False)
    by_generation = ask(client, 1, "?generation=g1")
    assert (by_generation["generation"], "arm" in by_generation) == ("g1", False)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("arm=g9", "arm: the arms of the experiment are g1, current."),
        ("arm=", "arm: the arms of the experiment are g1, current."),
        ("arm=g1&generation=g1", "arm, generation: name one of them, for an arm has a generation."),
        ("arm=g1&arm=g1", '"arm" stands in the query twice.'),
    ],
)
def test_what_is_no_arm_is_refused_with_the_names(make: Make, experiments: Experiments, query: str, detail: str) -> None:
    experiments.start(HALF, "anna")
    answer = make().post(f"/recommendations?{query}", json={"user_id": 1})
    assert (answer.status_code, answer.get_json()["detail"]) == (400, detail)


def test_without_an_experiment_answers_are_as_ever(make: Make, experiments: Experiments) -> None:
    client = make()
    paths = ("/users/1/recommendations", "/users/1/recommendations?offset=1", "/popular")
    before = [(answer.data, answer.headers["ETag"]) for answer in map(client.get, paths)]
    batch = client.post("/recommendations/batch", json={"user_ids": [1, 2]}).data
    assert all(b"arm" not in data for data, _ in before)
    refused = client.get("/popular?arm=current")
    assert (refused.status_code, refused.get_json()["detail"]) == (400, "arm: no experiment runs.")
    experiments.start(HALF, "anna")
    assert client.post("/recommendations/batch", json={"user_ids": [1, 2]}).data != batch
    tagged = client.get(paths[0], headers={"If-None-Match": before[0][1]})
    assert tagged.status_code == 200
    assert client.get(paths[0], headers={"If-None-Match": tagged.headers["ETag"]}).status_code == 304
    experiments.stop()
    assert [(answer.data, answer.headers["ETag"]) for answer in map(client.get, paths)] == before
    assert client.post("/recommendations/batch", json={"user_ids": [1, 2]}).data == batch


def test_a_list_stays_one_round_trip(make: Make, experiments: Experiments) -> None:
    experiments.start(HALF, "anna")
    client = make(pointer_ttl_ms=1000)
    ask(client, 1)

    def trips() -> float:
        return float(client.get("/metrics").text.split("\nlarder_redis_round_trips_total ")[1].split()[0])

    scrapes = [trips(), trips()]
    for user in range(10):
        ask(client, user)
    assert trips() - scrapes[1] == scrapes[1] - scrapes[0] + 10


def test_what_a_user_did_counts_in_the_users_own_arm(make: Make, experiments: Experiments, store_redis: Redis) -> None:
    experiments.start(HALF, "anna")
    client = make(events=True, api_write_keys=WRITE)
    wanted = expected(experiments)
    for user in USERS:
        event = {"user_id": user, "item_id": wanted[user][2], "type": "buy"}
        assert client.post("/events", json={"events": [event]}, headers={"X-API-Key": WRITE}).status_code == 202
        remade = payload.encode([wanted[user][2] + 2, 77], [2.0, 1.0])
        recent_events.enter_list(store_redis, KEYS, Settings(), str(user), [wanted[user][1]], 1, remade, None)
    assert all(items(ask(client, user)) == [wanted[user][2] + 2, 77] for user in USERS)
    experiments.stop()
    moved = [user for user in USERS if wanted[user][1] == "g1"]
    assert all(items(ask(client, user)) == [10, 11, 12] for user in moved)


def test_answers_are_counted_by_arm_and_people_who_test_are_not(make: Make, experiments: Experiments, store_redis: Redis) -> None:
    client = make(pointer_ttl_ms=1000)

    def counted() -> dict[tuple[str, str], float]:
        lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("larder_arm_answers_total{")]
        found = {}
        for line in lines:
            labels, _, value = line.removeprefix("larder_arm_answers_total{").partition("} ")
            arm, outcome = (part.split('"')[1] for part in labels.split(","))
            found[arm, outcome] = float(value)
        return found

    experiments.start({"current": 0, "g1": 10000}, "anna")
    assert counted() == {}
    ask(client, 1)
    ask(client, 1, exclude=[0, 1, 2, 3])
    assert client.post("/recommendations", json={"user_id": 900}).status_code == 404
    ask(client, 900, fallback="popular")
    client.post("/recommendations/batch", json={"user_ids": [1, 2, 900]})
    client.post("/recommendations/batch", json={"user_ids": [1, 2]})
    for query in ("?arm=g1", "?generation=g1"):
        ask(client, 1, query)
        client.post(f"/recommendations/batch{query}", json={"user_ids": [1, 900]})
    assert counted() == {("g1", "listed"): 6, ("g1", "empty"): 1, ("g1", "unknown"): 2}
    for bucket in range(4):
        store_redis.hset(KEYS.recs("g1", bucket), "1", b"\xff what no version has written")
    assert client.post("/recommendations", json={"user_id": 1}).status_code == 500
    assert client.post("/recommendations/batch", json={"user_ids": [1, 2]}).status_code == 500
    assert counted()["g1", "error"] == 3
