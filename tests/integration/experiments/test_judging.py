"""`larder experiment judge`, from files of impressions and events to a verdict that ends the experiment."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

import trainer.judging.judge
from contract.audit import newest_changes
from contract.errors import GenerationError, SettingsError
from contract.experiments.definition import Experiment
from contract.experiments.moves import Experiments
from contract.formats.events import Event, Impression
from contract.settings.settings import Settings
from contract.store.generations import Generations
from tests.integration.experiments.served import KEYS, two_served
from trainer.cli.experiments.commands import experiment
from trainer.events.files import write_entries
from trainer.events.kinds import EVENTS, IMPRESSIONS
from trainer.judging.judge import Judged
from trainer.judging.trials import What

DAY_MS = 86_400_000
HALF = {"current": 5000, "g1": 5000}


class Judge:
    def __init__(self, url: str, artifacts: Path) -> None:
        self._environ = {"LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": artifacts.as_uri(), "COLUMNS": "250"}
        self.artifacts = artifacts.as_uri()

    def call(self, *arguments: str, **more: str) -> str:
        """What it prints; what it raises is raised."""
        result = CliRunner().invoke(experiment, ["judge", *arguments], env=self._environ | more)
        if result.exception is not None:
            raise result.exception
        return " ".join(result.output.split())

    def keep(self, began: Experiment, n: int, successes: dict[str, int]) -> None:
        """`n` users of each arm on the first day, of whom so many buy something."""
        ms = began.began_at_ms
        shown = [(ms + 1, f"{arm} {user}", arm) for arm in successes for user in range(n)]
        lists = [Impression("r", at, user, "g", arm, "personalized", [1], [1]) for at, user, arm in shown]
        events = [
            Event(f"{arm} {user}", f"{arm} {user}", 1, "buy", ms // 1000 + 1) for arm, most in successes.items() for user in range(most)
        ]
        write_entries(IMPRESSIONS.folder(self.artifacts), [(f"{ms + 1}-{at}", one) for at, one in enumerate(lists)], IMPRESSIONS)
        write_entries(EVENTS.folder(self.artifacts), [(f"{ms + 1}-{at}", one) for at, one in enumerate(events)], EVENTS)


@pytest.fixture
def judge(store_redis: Redis, redis_server: str, tmp_path: Path) -> Judge:
    two_served(store_redis)
    return Judge(redis_server, tmp_path)


def begun_days_ago(redis: Redis, days: float, stop_when_worse: str = "") -> Experiment:
    """An experiment whose begin is put back."""
    return put_back(redis, Experiments(Generations(redis, KEYS)).start(HALF, "anna", stop_when_worse), days)


def put_back(redis: Redis, found: Experiment, days: float) -> Experiment:
    value = json.loads(redis.get(KEYS.current) or b"")
    value["experiment"]["began_at_ms"] -= int(days * DAY_MS)
    value["experiment"]["slots_from"] = {str(value["experiment"]["began_at_ms"]): HALF}
    redis.set(KEYS.current, json.dumps(value))
    return found.model_copy(update={"began_at_ms": value["experiment"]["began_at_ms"]})


def test_a_verdict_is_told_and_ends_nothing_by_itself(judge: Judge, store_redis: Redis) -> None:
    judge.keep(begun_days_ago(store_redis, 3), 1000, {"current": 100, "g1": 40})
    told = judge.call()
    assert "current │ 1,000 │ 100 │ 10.00% (" in told
    assert "g1 │ 1,000 │ 40 │ 4.00% (" in told
    assert told.count("worse") == 1
    found = json.loads(judge.call("--json"))
    assert [(one["arm"], one["users"], one["successes"], one["verdict"]) for one in found] == [
        ("current", 1000, 100, ""),
        ("g1", 1000, 40, "worse"),
    ]
    assert "not decided" in judge.call("--alpha", "0.000001")
    assert Experiments(Generations(store_redis, KEYS)).running() is not None


def test_an_arm_that_is_worse_ends_it(judge: Judge, store_redis: Redis) -> None:
    judge.keep(begun_days_ago(store_redis, 3), 1000, {"current": 100, "g1": 40})
    told = judge.call("--stop-when-worse")
    assert "The experiment is stopped: g1 has fewer conversions than current. Everybody gets what is served" in told
    assert Experiments(Generations(store_redis, KEYS)).running() is None
    assert newest_changes(store_redis, KEYS, 1)[0].after == "stopped: g1 has fewer conversions than current"
    with pytest.raises(GenerationError, match="no experiment runs"):
        judge.call()


def test_what_began_while_another_one_was_judged_goes_on(judge: Judge, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    judge.keep(begun_days_ago(store_redis, 3), 1000, {"current": 100, "g1": 40})
    experiments, first = Experiments(Generations(store_redis, KEYS)), trainer.judging.judge.judge

    def slow(settings: Settings, judged: Experiment, what: What, alpha: float, now: datetime) -> list[Judged]:
        found = first(settings, judged, what, alpha, now)
        experiments.stop()
        experiments.start(HALF, "bob")
        return found

    monkeypatch.setattr(trainer.judging.judge, "judge", slow)
    with pytest.raises(GenerationError, match="is over, and"):
        judge.call("--stop-when-worse")
    running = experiments.running()
    assert running is not None
    assert running.by == "bob"


def test_what_waits_in_redis_closes_no_day(judge: Judge, store_redis: Redis) -> None:
    began = begun_days_ago(store_redis, 3)
    judge.keep(began, 1000, {"current": 100, "g1": 40})
    assert [one["users"] for one in json.loads(judge.call("--json"))] == [1000, 1000]
    for key in (KEYS.events("stream"), KEYS.impressions("stream")):
        store_redis.xadd(key, {"e": b"x"}, id=f"{began.began_at_ms + DAY_MS}-1")  # its writer is down since
        assert [one["users"] for one in json.loads(judge.call("--json"))] == [0, 0]
        store_redis.delete(key)


def test_it_is_too_old_by_the_clock_whatever_waits(judge: Judge, store_redis: Redis) -> None:
    began = begun_days_ago(store_redis, 31)
    judge.keep(began, 1000, {"current": 100, "g1": 40})
    store_redis.xadd(KEYS.events("stream"), {"e": b"x"}, id=f"{began.began_at_ms + 9 * DAY_MS}-1")
    with pytest.raises(SettingsError, match="LARDER_IMPRESSIONS_KEEP_DAYS=30"):
        judge.call("--stop-when-worse")
    assert Experiments(Generations(store_redis, KEYS)).running() is not None


def test_arms_with_other_people_end_nothing(judge: Judge, store_redis: Redis) -> None:
    began = begun_days_ago(store_redis, 3)
    judge.keep(began, 1000, {"current": 100, "g1": 40})
    more = [Impression("r", began.began_at_ms + 1, f"more {user}", "g", "current", "personalized", [1], [1]) for user in range(300)]
    entries = [(f"{began.began_at_ms + 2}-{at}", one) for at, one in enumerate(more)]
    write_entries(IMPRESSIONS.folder(judge.artifacts), entries, IMPRESSIONS)
    told = judge.call("--stop-when-worse")
    assert "set LARDER_FALLBACK" in told
    assert "worse" not in told
    assert Experiments(Generations(store_redis, KEYS)).running() is not None


def test_an_arm_that_is_better_does_not(judge: Judge, store_redis: Redis) -> None:
    judge.keep(begun_days_ago(store_redis, 3), 1000, {"current": 40, "g1": 100})
    assert "better" in judge.call("--stop-when-worse")
    assert Experiments(Generations(store_redis, KEYS)).running() is not None


def test_without_impressions_it_says_what_to_set(judge: Judge, store_redis: Redis) -> None:
    begun_days_ago(store_redis, 3)
    with pytest.raises(SettingsError, match="set LARDER_EVENTS=true and LARDER_IMPRESSIONS"):
        judge.call()
    assert "No day is over yet" not in judge.call(LARDER_EVENTS="true", LARDER_IMPRESSIONS="0.5", LARDER_API_WRITE_KEYS="w" * 20)
    Experiments(Generations(store_redis, KEYS)).stop()
    begun_days_ago(store_redis, 0)
    told = judge.call(LARDER_EVENTS="true", LARDER_IMPRESSIONS="0.5", LARDER_API_WRITE_KEYS="w" * 20)
    assert "none yet" in told
    assert "the first counts at 20" in told
