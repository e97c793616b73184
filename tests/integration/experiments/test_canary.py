"""An arm with empty lists, or errors, ends the experiment by itself; the trainer service sees the sum over all processes of the API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import RedisError

from api.serving.plain.parts import ARMS
from contract.audit import newest_changes
from contract.errors import GenerationError
from contract.experiments.answers import ArmAnswers, BrokenSlot, shares
from contract.experiments.arms import arms_of
from contract.experiments.definition import slot_of
from contract.experiments.ending import last_ending
from contract.experiments.moves import Experiments
from contract.formats.keys import bucket_of
from contract.larder import Larder
from contract.settings.settings import ModelSettings, Settings
from tests.integration.experiments.served import KEYS
from tests.integration.experiments.test_commands import call
from tests.integration.web.test_web import client_of, text_of
from tests.support.builders import Lists, promote_lists
from tests.support.servers.api_process import ApiProcess, until
from trainer.notices.__main__ import tell_what_happened
from trainer.service.canary import Canary

USERS = range(400)
WHOLE: Lists = {user: [(10 + user, 2.0)] for user in USERS}
EMPTY_FOR_SOME: Lists = {user: [] if user % 5 == 0 else [(10 + user, 2.0)] for user in USERS}
HALF = {"current": 5000, "g1": 5000}
Make = Callable[[], FlaskClient]


@pytest.fixture
def larder(store_redis: Redis, redis_server: str) -> Larder:
    return Larder(Settings(redis_url=redis_server, pointer_ttl_ms=0))


def served(larder: Larder, first: Lists, second: Lists) -> None:
    """g2 is served, and g1 was."""
    for name, lists in (("g1", first), ("g2", second)):
        promote_lists(larder.store, KEYS, lists, generation=name, settings=ModelSettings(k=1, depth=1, similar_depth=0))


def ask_all(clients: list[FlaskClient], times: int = 1) -> None:
    for user in USERS:
        for at in range(times):
            client = clients[(user + at) % len(clients)]
            if user % 2:
                client.get(f"/users/{user}/recommendations")
            else:
                client.post("/recommendations", json={"user_id": user})
    for client in clients:
        client.application.extensions[ARMS].send()


def test_an_arm_with_empty_lists_ends_the_experiment_and_everybody_hears_of_it(
    larder: Larder, make: Make, redis_server: str, tmp_path: Path
) -> None:
    served(larder, EMPTY_FOR_SOME, WHOLE)
    begun = larder.experiments.start(HALF, "anna", stop_when_broken=True)
    clients, canary = [make(), make(), make()], Canary(larder, 0.0)
    for client in clients:
        client.application.extensions[ARMS].begin()
    ask_all(clients)
    canary.tick()
    assert larder.experiments.running() is None
    ending, change = last_ending(larder.store, KEYS), newest_changes(larder.store, KEYS, 1)[0]
    assert ending is not None
    assert (ending.experiment, ending.arm) == (begun.id, "g1")
    assert ending.why.startswith("stopped by itself: g1 has more empty lists than current, in ")
    assert (change.what, change.by, change.after) == ("experiment", "the trainer service", ending.why)
    assert call(redis_server, "status").startswith(f"Experiment {begun.id} was stopped by itself: g1 has more empty lists than current")
    page = text_of(client_of(redis_server).get("/live"))
    assert page.count(f"Experiment {begun.id} was {ending.why}") == 1
    heard = tmp_path / "heard"
    write = tmp_path / "write.py"
    write.write_text(f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + chr(10))")
    telling = Larder(Settings(redis_url=redis_server, on_stopped=f"{sys.executable} {write}"))
    assert (tell_what_happened(telling), tell_what_happened(telling)) == (1, 0)
    told = json.loads(heard.read_text())
    assert (told["event"], told["generation"]) == ("stopped", "g1")
    assert told["reason"] == f"experiment {begun.id} is {ending.why}"


def test_the_end_and_its_reason_are_one_step(larder: Larder) -> None:
    """A process that is killed can't leave an experiment that has ended and says not why."""
    served(larder, WHOLE, WHOLE)
    begun = larder.experiments.start(HALF, "anna")
    with larder.store.monitor() as monitor:  # type: ignore[no-untyped-call]
        larder.experiments.stop_by_itself(begun.id, "g1", "the trainer service", "it is worse")
        larder.store.echo("all is done")
        commands = []
        while not (command := monitor.next_command())["command"].startswith("ECHO"):
            commands.append((command["client_type"], *command["command"].split()[:2]))
    assert [command for command in commands if KEYS.experiment_ended in command] == [("lua", "SET", KEYS.experiment_ended)]
    ending = last_ending(larder.store, KEYS)
    assert ending is not None
    assert (ending.experiment, ending.why) == (begun.id, "it is worse")


def test_an_end_that_is_refused_leaves_no_reason(larder: Larder) -> None:
    served(larder, WHOLE, WHOLE)
    larder.experiments.start(HALF, "anna")
    with pytest.raises(GenerationError, match="is over, and"):
        larder.experiments.stop_by_itself("another", "g1", "the trainer service", "it is worse")
    assert last_ending(larder.store, KEYS) is None


def test_a_slot_that_could_not_be_told_is_told_with_its_next_broken_answer(larder: Larder, make: Make) -> None:
    served(larder, EMPTY_FOR_SOME, EMPTY_FOR_SOME)
    begun = larder.experiments.start(HALF, "anna", stop_when_broken=True)
    client = make()
    sender, answers = client.application.extensions[ARMS], ArmAnswers(larder.store, KEYS, begun.id)
    client.get("/users/5/recommendations")
    sender._redis = Redis(port=1)  # where nobody answers
    with pytest.raises(RedisError):
        sender.send()
    sender._redis = None
    sender.send()
    assert answers.broken() == []
    for _ in range(2):
        client.get("/users/5/recommendations")
        sender.send()
    assert [one.slot for one in answers.broken()] == [slot_of(5, begun.salt)]


def test_arms_that_are_alike_go_on_however_often_a_few_people_ask(larder: Larder, make: Make, redis_server: str) -> None:
    served(larder, EMPTY_FOR_SOME, EMPTY_FOR_SOME)
    begun = larder.experiments.start(HALF, "anna", stop_when_broken=True)
    clients, canary = [make(), make()], Canary(larder, 0.0)
    unlucky = next(user for user in USERS[::5] if begun_arm(larder, user) == "g1")
    for _ in range(300):
        clients[0].get(f"/users/{unlucky}/recommendations")
    ask_all(clients, times=2)
    canary.tick()
    assert larder.experiments.running() is not None
    counts, _ = ArmAnswers(larder.store, KEYS, begun.id).read()
    n, errors, empty = zip(*(shares(counts, arm) for arm in ("g1", "current")), strict=True)
    assert errors == (0, 0)
    assert empty[0] > 2 * empty[1] > 0.3  # by answers, the arm looks far worse
    (row,) = [one for one in json.loads(call(redis_server, "status", "--json"))["arms"] if one["arm"] == "g1"]
    assert (row["answers"], row["empty"]) == (n[0], empty[0])
    assert f"g1 50 % g1 {n[0]:,} 0.00% {empty[0]:.2%}" in text_of(client_of(redis_server).get("/live"))


def begun_arm(larder: Larder, user: int) -> str:
    served = larder.experiments.served()
    arms = arms_of(served) if served else None
    assert arms is not None
    return arms.of_user(user).arm


def test_who_does_not_ask_for_it_is_left_alone(larder: Larder, make: Make) -> None:
    served(larder, EMPTY_FOR_SOME, WHOLE)
    larder.experiments.start(HALF, "anna")
    ask_all([make()])
    Canary(larder, 0.0).tick()
    assert larder.experiments.running() is not None


def test_errors_of_an_arm_count_and_those_of_a_whole_batch_do_not(larder: Larder, make: Make) -> None:
    served(larder, WHOLE, WHOLE)
    begun = larder.experiments.start(HALF, "anna", stop_when_broken=True)
    for user in USERS:
        bucket = bucket_of(user, larder.generations.manifest("g1").n_user_buckets)
        larder.store.hset(KEYS.recs("g1", bucket), str(user), b"\xff no list")
    client = make()
    client.get("/users/1/recommendations")
    assert client.post("/recommendations/batch", json={"user_ids": list(USERS)}).status_code >= 500
    client.application.extensions[ARMS].send()
    answers = ArmAnswers(larder.store, KEYS, begun.id)
    assert {one.arm for one in answers.broken()} <= {"g1"}
    assert answers.n_broken() <= 1
    ask_all([client])
    assert {(one.arm, one.outcome) for one in answers.broken()} == {("g1", "error")}
    Canary(larder, 0.0).tick()
    ending = last_ending(larder.store, KEYS)
    assert ending is not None
    assert "g1 has more errors than current" in ending.why


def test_what_counts_for_one_experiment_counts_for_no_other(larder: Larder, make: Make) -> None:
    served(larder, EMPTY_FOR_SOME, WHOLE)
    larder.experiments.start(HALF, "anna")
    client = make()
    sender = client.application.extensions[ARMS]
    for user in USERS:
        client.get(f"/users/{user}/recommendations")
    larder.experiments.stop()
    other = larder.experiments.start(HALF, "anna")
    client.get("/users/1/recommendations")
    sender.send()
    answers = ArmAnswers(larder.store, KEYS, other.id)
    assert (answers.read()[0], answers.broken()) == ({}, [])
    client.get("/users/1/recommendations")
    sender.send()
    assert sum(answers.read()[0].values()) == 1


def test_slots_keep_the_order_in_which_they_came_and_the_first_arm(store_redis: Redis) -> None:
    answers = ArmAnswers(store_redis, KEYS, "e")
    answers.add({("g1", "listed"): 3}, {"5": {"g1": "0-10000"}}, [BrokenSlot("empty", 9, "g1", "5"), BrokenSlot("error", 9, "g1", "5")])
    answers.add({("g1", "listed"): 4}, {"5": {"g1": ""}}, [BrokenSlot("empty", 9, "current", "7"), BrokenSlot("empty", 2, "g1", "7")])
    assert answers.broken() == [BrokenSlot("empty", 9, "g1", "5"), BrokenSlot("error", 9, "g1", "5"), BrokenSlot("empty", 2, "g1", "7")]
    assert answers.read() == ({("g1", "listed"): 7}, {"5": {"g1": "0-10000"}})
    assert 0 < store_redis.ttl(KEYS.arm_answers("e")) <= 7 * 86_400
    assert 0 < store_redis.ttl(KEYS.broken_slots("e")) <= 7 * 86_400


def test_processes_of_a_real_api_tell_by_themselves_and_at_their_end(larder: Larder, redis_server: str) -> None:
    served(larder, EMPTY_FOR_SOME, WHOLE)
    begun = larder.experiments.start(HALF, "anna", stop_when_broken=True)
    answers = ArmAnswers(larder.store, KEYS, begun.id)
    with ApiProcess(redis_server, LARDER_API_WORKERS="2", LARDER_POINTER_TTL_MS="0") as api:
        for user in USERS:
            api.get(f"/users/{user}/recommendations")
        until("slots are told", lambda: answers.n_broken() > 10)
        api.get("/users/1/recommendations")
    assert sum(answers.read()[0].values()) > len(USERS) / 2
    Canary(larder, 0.0).tick()
    assert Experiments(larder.generations).running() is None
