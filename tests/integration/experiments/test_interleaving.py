"""One list of two generations, by every way to ask; and whose picks people take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from contract.errors import GenerationError, SettingsError
from contract.experiments.moves import Experiments
from contract.formats.events import Event, Impression
from contract.settings.settings import ModelSettings
from contract.store.generations import Generations
from tests.integration.experiments.served import KEYS, ask, two_served
from tests.integration.experiments.test_commands import call
from tests.integration.experiments.test_judging import Judge, put_back
from tests.support.builders import Lists, promote_lists
from trainer.events.files import write_entries
from trainer.events.kinds import EVENTS, IMPRESSIONS

WRITE = "write-" + "k" * 16
USERS = range(40)
FIRST: Lists = {user: [(item, 9.0 - item) for item in range(8)] for user in USERS}
SECOND: Lists = {user: [(item, 90.0 - item) for item in range(4, 12)] for user in USERS if user != 7}
ALL = {"g1": 0, "current": 10_000}
Make = Callable[..., FlaskClient]


@pytest.fixture
def experiments(store_redis: Redis) -> Experiments:
    """g2 is served, and g1 was; user 7 is known to g1 alone, and user 8 to g2 alone."""
    for name, lists in (("g1", {user: FIRST[user] for user in USERS if user != 8}), ("g2", SECOND)):
        promote_lists(store_redis, KEYS, lists, generation=name, settings=ModelSettings(k=4, depth=8, similar_depth=0))
    return Experiments(Generations(store_redis, KEYS))


def ids(answer: dict[str, Any]) -> list[Any]:
    return [item["item_id"] for item in answer["items"]]


def test_every_way_to_ask_says_the_same_and_all_processes(make: Make, experiments: Experiments) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client, other = make(), make(pointer_ttl_ms=1000)
    known = [user for user in USERS if user != 7]
    wanted = {user: ask(client, user)["items"] for user in known}
    assert len({tuple(item["item_id"] for item in items) for items in wanted.values()}) > 3
    for user, items in wanted.items():
        assert sorted(item.get("arm", "") for item in items) == (["current", "current", "g1", "g1"] if user != 8 else [""] * 4)
        assert all(item["item_id"] < 8 if item.get("arm") == "g1" else item["item_id"] >= 4 for item in items)
    assert {user: ask(other, user)["items"] for user in known} == wanted
    assert {user: ask(client, str(user), exclude=[99])["items"] for user in known} == wanted
    assert {user: other.get(f"/users/{user}/recommendations").get_json()["items"] for user in known} == wanted
    for more in ({}, {"exclude": [99]}):
        batch = client.post("/recommendations/batch", json={"user_ids": known, **more}).get_json()
        assert {result["user_id"]: result["items"] for result in batch["results"]} == wanted
        assert {result["arm"] for result in batch["results"]} == {"interleaved"}
    whole = ask(client, 1, k=20)
    assert (sorted(ids(whole)), ids(whole)[:4]) == (list(range(12)), [item["item_id"] for item in wanted[1]])
    assert (whole["arm"], whole["generation"]) == ("interleaved", "g2")


def test_who_is_known_to_one_of_them_alone(make: Make, experiments: Experiments) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client = make()
    assert client.post("/recommendations", json={"user_id": 7}).status_code == 404
    alone = ask(client, 8)
    assert (ids(alone), any("arm" in item for item in alone["items"])) == ([4, 5, 6, 7], False)


def test_a_batch_finds_whom_a_promotion_a_moment_ago_has_brought(make: Make, experiments: Experiments, store_redis: Redis) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client = make(pointer_ttl_ms=1000)
    assert "problem" in client.post("/recommendations/batch", json={"user_ids": [7]}).get_json()["results"][0]
    promote_lists(store_redis, KEYS, FIRST, generation="g3", settings=ModelSettings(k=4, depth=8, similar_depth=0))
    found = client.post("/recommendations/batch", json={"user_ids": [7]}).get_json()["results"][0]
    assert (found.get("generation"), found.get("arm"), len(found.get("items", ()))) == ("g3", "interleaved", 4)


def test_rules_of_lists_hold_for_it(make: Make, experiments: Experiments) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client = make(events=True, api_write_keys=WRITE)
    before = ask(client, 1, k=12)
    out = ids(before)[:3]
    excluded = ask(client, 1, k=12, exclude=out)
    assert ids(excluded) == ids(before)[3:]
    assert [item.get("arm") for item in excluded["items"]] == [item.get("arm") for item in before["items"]][3:]
    assert [ids(ask(client, 1, k=3, offset=at)) for at in (0, 3, 6)] == [ids(before)[at : at + 3] for at in (0, 3, 6)]
    event = {"user_id": 1, "item_id": out[0], "type": "buy"}
    assert client.post("/events", json={"events": [event]}, headers={"X-API-Key": WRITE}).status_code == 202
    for answer in (ask(client, 1, k=12), ask(client, 1, k=12, exclude=[99])):
        assert sorted(ids(answer)) == sorted(set(ids(before)) - {out[0]})


@pytest.mark.parametrize("spell", [str, lambda item: f"{item}" if item < 9 else f"x{item}"])
def test_a_promotion_whose_ids_are_of_another_type_meanwhile_keeps_each_item_once(
    make: Make, experiments: Experiments, store_redis: Redis, spell: Callable[[int], str]
) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client, shown = make(), ask(make(), 1, k=12)
    texts = {f"{user}": [(spell(item), score) for item, score in entries] for user, entries in SECOND.items()} | {"ann": [("4", 1.0)]}
    promote_lists(store_redis, KEYS, texts, generation="g3", settings=ModelSettings(k=4, depth=8, similar_depth=0))
    during = ask(client, 1, k=12)
    wanted = {spell(item) for item in range(4, 12)} | {str(item) for item in range(8)}
    assert (during["generation"], during["arm"], set(ids(during)), len(ids(during))) == ("g3", "interleaved", wanted, len(wanted))
    assert {item.get("arm") for item in during["items"]} >= {"current", "g1"}
    promote_lists(store_redis, KEYS, SECOND, generation="g4", settings=ModelSettings(k=4, depth=8, similar_depth=0))
    assert set(ids(ask(client, 1, k=12))) == set(ids(shown))


def test_items_of_another_type_that_are_unavailable_or_were_taken_are_hidden(
    make: Make, experiments: Experiments, store_redis: Redis
) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    texts = {f"{user}": [(str(item), score) for item, score in entries] for user, entries in SECOND.items()} | {"ann": [("z", 1.0)]}
    promote_lists(store_redis, KEYS, texts, generation="g3", settings=ModelSettings(k=4, depth=8, similar_depth=0))
    client = make(events=True, api_write_keys=WRITE)
    event = {"user_id": 1, "item_id": 2, "type": "buy"}  # of the list of g1 alone
    assert client.post("/events", json={"events": [event]}, headers={"X-API-Key": WRITE}).status_code == 202
    assert set(ids(ask(client, 1, k=12))) == {str(item) for item in range(12) if item != 2}


def test_what_a_run_has_learned_since_stays_hidden_in_the_list_of_the_older_generation(
    make: Make, experiments: Experiments, store_redis: Redis
) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    client = make(events=True, api_write_keys=WRITE)
    event = {"user_id": 1, "item_id": 2, "type": "buy"}  # of the list of g1 alone
    assert client.post("/events", json={"events": [event]}, headers={"X-API-Key": WRITE}).status_code == 202
    seconds, _ = store_redis.time()
    reading, model = {"events_until": f"{seconds * 1000 + 60_000}-0"}, ModelSettings(k=4, depth=8, similar_depth=0)
    promote_lists(store_redis, KEYS, SECOND, generation="g3", settings=model, reading=reading)
    alone = client.post("/recommendations", json={"user_id": 1, "k": 12, "exclude": [99]}).get_json()
    batch = client.post("/recommendations/batch", json={"user_ids": [1], "k": 12}).get_json()["results"][0]
    for found in (ask(client, 1, k=12), alone, batch):
        assert (found["generation"], found["freshness"], sorted(ids(found))) == ("g3", "generation", [at for at in range(12) if at != 2])


def test_it_ends_without_a_trace_and_tags_tell_it_apart(make: Make, experiments: Experiments) -> None:
    client, path = make(), "/users/1/recommendations"
    before = client.get(path)
    experiments.start(ALL, "anna", interleaves=True)
    during = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert (during.status_code, during.data == before.data) == (200, False)
    assert client.get(path, headers={"If-None-Match": during.headers["ETag"]}).status_code == 304
    tester = client.get(f"{path}?arm=g1").get_json()
    assert (ids(tester), tester["arm"], "arm" in tester["items"][0]) == ([0, 1, 2, 3], "g1", False)
    with pytest.raises(GenerationError, match="no arm has a share"):
        experiments.share({"g1": 5000, "current": 5000})
    experiments.stop()
    after = client.get(path)
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])


def test_a_tag_of_another_experiment_of_the_same_lists_is_another(make: Make, experiments: Experiments) -> None:
    client, tags = make(), []
    for _ in range(2):
        experiments.start(ALL, "anna", interleaves=True)
        tags.append(client.get("/users/1/recommendations").headers["ETag"])
        experiments.stop()
    assert tags[0] != tags[1]


def test_explanations_are_of_one_list_and_so_of_none_here(make: Make, experiments: Experiments) -> None:
    experiments.start(ALL, "anna", interleaves=True)
    assert make().post("/recommendations", json={"user_id": 1, "explain": True}).status_code == 409


def test_the_command_begins_it_and_refuses_what_does_not_go_together(experiments: Experiments, redis_server: str) -> None:
    for arguments in (
        (), ("--arms", "current=50,g1=50", "--interleave", "g1"), ("--interleave", "current"), ("--interleave", "g1", "--stop-when-broken"),
        ("--interleave", "model=sar"),
    ):  # fmt: skip
        with pytest.raises(SettingsError):
            call(redis_server, "start", *arguments)
    with pytest.raises(GenerationError, match="g9 is unknown"):
        call(redis_server, "start", "--interleave", "g9")
    assert call(redis_server, "start", "--interleave", "g1").startswith("The experiment runs: g1 and current, interleaved.")
    assert "g1 │ every other pick │ g1" in call(redis_server, "status")
    assert json.loads(call(redis_server, "status", "--json"))["interleaves"] is True
    assert call(redis_server, "promote", "g1").startswith("The experiment is over: everybody gets g1")


@pytest.mark.parametrize(("wins", "verdict"), [((30, 120), "better"), ((120, 30), "worse"), ((60, 60), "not decided")])
def test_users_are_won_by_the_arm_of_whose_picks_they_took_more(
    store_redis: Redis, redis_server: str, tmp_path: Path, wins: tuple[int, int], verdict: str
) -> None:
    two_served(store_redis)
    judge = Judge(redis_server, tmp_path)
    running = Experiments(Generations(store_redis, KEYS))
    began = put_back(store_redis, running.start(ALL, "anna", interleaves=True), 3)
    ms, lists, events = began.began_at_ms, list[Impression](), list[Event]()
    for user in range(sum(wins) + 50):
        for at, arm in enumerate(("current", "g1")):
            lists.append(Impression(f"r{user}", ms + 1, f"u{user}", "g", arm, "personalized", [at, at + 2], [at + 1, at + 3]))
        lists.append(Impression(f"later{user}", ms + 900, f"u{user}", "g", "g1", "personalized", [77], [1]))
        took = [1, 3, 1, 0] if user < wins[1] else [0] if user < sum(wins) else [0, 1]  # more of one arm, or as many of both
        events += [Event(f"{user} {at}", f"u{user}", item, "buy", ms // 1000 + 2) for at, item in enumerate([*took, 77, 99])]
    write_entries(IMPRESSIONS.folder(judge.artifacts), [(f"{ms + 1}-{at}", one) for at, one in enumerate(lists)], IMPRESSIONS)
    write_entries(EVENTS.folder(judge.artifacts), [(f"{ms + 1}-{at}", one) for at, one in enumerate(events)], EVENTS)
    found = json.loads(judge.call("--json"))
    assert [(one["arm"], one["users"], one["successes"]) for one in found] == [("current", sum(wins), wins[0]), ("g1", sum(wins), wins[1])]
    assert verdict in judge.call()
    assert ("stopped" in judge.call("--stop-when-worse")) is (verdict == "worse")
