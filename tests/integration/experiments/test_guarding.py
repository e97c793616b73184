"""The trainer service watches experiments that ask for it, and no others."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from redis import Redis

import trainer.service.guarding
from contract.experiments.moves import Experiments
from contract.larder import Larder
from contract.settings.settings import Settings
from tests.integration.experiments.served import two_served
from tests.integration.experiments.test_judging import begun_days_ago, put_back
from trainer.service.guarding import Guarding

HALF = {"current": 5000, "g1": 5000}


@pytest.fixture
def larder(store_redis: Redis, redis_server: str) -> Larder:
    two_served(store_redis)
    return Larder(Settings(redis_url=redis_server))


class Started:
    """What was begun, each ending with the next of these codes."""

    def __init__(self, *codes: int) -> None:
        self._codes = list(codes)
        self.what: list[str] = []

    def __call__(self, what: str) -> subprocess.Popen[bytes]:
        self.what.append(what)
        process = subprocess.Popen([sys.executable, "-c", f"import sys; sys.exit({self._codes.pop(0)})"])
        process.wait()
        return process


def test_it_judges_what_asks_for_it_and_one_at_a_time(larder: Larder) -> None:
    started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(what: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(3)"], stdin=subprocess.PIPE)
        started.append((what, process))
        return process

    guarding, experiments = Guarding(larder, 0.0, start), Experiments(larder.generations)
    guarding.tick()
    begun_days_ago(larder.store, 3)
    guarding.tick()
    assert started == []
    experiments.stop()
    begun_days_ago(larder.store, 3, stop_when_worse="clicks")
    guarding.tick()
    guarding.tick()  # the first still runs
    assert [what for what, _ in started] == ["clicks"]
    started[0][1].communicate()
    guarding.tick()  # it has failed
    assert len(started) == 2
    started[1][1].communicate()


def test_it_waits_between_two_looks(larder: Larder) -> None:
    started = Started(1)
    begun_days_ago(larder.store, 3, stop_when_worse="conversions")
    guarding = Guarding(larder, 3600.0, started)
    for _ in range(3):
        guarding.tick()
    assert started.what == ["conversions"]


def test_it_looks_once_at_each_day_that_closes(larder: Larder) -> None:
    started = Started(0, 0, 0)
    guarding, experiments = Guarding(larder, 0.0, started), Experiments(larder.generations)

    def looks(days: float) -> int:
        before = len(started.what)
        begun_days_ago(larder.store, days, stop_when_worse="clicks")
        for _ in range(3):
            guarding.tick()
        experiments.stop()
        return len(started.what) - before

    assert [looks(days) for days in (0, 1.9, 2.1)] == [0, 0, 1]  # a day, and a window of a day
    begun = begun_days_ago(larder.store, 2.1, stop_when_worse="clicks")
    guarding.tick()
    guarding.tick()
    assert len(started.what) == 2
    put_back(larder.store, begun, 1)
    for _ in range(3):
        guarding.tick()
    assert len(started.what) == 3


def test_what_is_too_old_to_be_judged_is_said_once(larder: Larder, caplog: pytest.LogCaptureFixture) -> None:
    begun_days_ago(larder.store, 40, stop_when_worse="clicks")
    guarding = Guarding(larder, 0.0, Started())
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            guarding.tick()
    assert [record.message.partition("(")[2].partition(")")[0] for record in caplog.records] == ["LARDER_IMPRESSIONS_KEEP_DAYS=30"]


def test_the_look_stands_behind_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    run: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def waits(_command: object, **_more: object) -> subprocess.Popen[bytes]:
        process = run([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        begun.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", waits)
    process = trainer.service.guarding._judge("clicks")
    assert os.getpriority(os.PRIO_PROCESS, begun[0]) >= 10
    process.communicate(b"\n")
