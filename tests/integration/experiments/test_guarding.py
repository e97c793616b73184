"""The trainer service watches experiments that ask for it, and no others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from redis import Redis

from contract.experiments.moves import Experiments
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from tests.integration.experiments.test_moves import LISTS
from tests.support.builders import promote_lists
from trainer.service.guarding import Guarding

KEYS = Keys()
HALF = {"current": 5000, "g1": 5000}


@pytest.fixture
def larder(store_redis: Redis, redis_server: str) -> Larder:
    for name in ("g1", "g2"):
        promote_lists(store_redis, KEYS, LISTS, generation=name)
    return Larder(Settings(redis_url=redis_server))


def test_it_judges_what_asks_for_it_and_one_at_a_time(larder: Larder) -> None:
    started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(what: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(3)"], stdin=subprocess.PIPE)
        started.append((what, process))
        return process

    guarding, experiments = Guarding(larder, 0.0, start), Experiments(larder.generations)
    guarding.tick()
    experiments.start(HALF, "anna")
    guarding.tick()
    assert started == []
    experiments.stop()
    experiments.start(HALF, "anna", stop_when_worse="clicks")
    guarding.tick()
    guarding.tick()  # the first still runs
    assert [what for what, _ in started] == ["clicks"]
    started[0][1].communicate()
    guarding.tick()
    assert len(started) == 2
    started[1][1].communicate()


def test_it_waits_between_two_looks(larder: Larder) -> None:
    started: list[str] = []

    def start(what: str) -> subprocess.Popen[bytes]:
        started.append(what)
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process

    Experiments(larder.generations).start(HALF, "anna", stop_when_worse="conversions")
    guarding = Guarding(larder, 3600.0, start)
    for _ in range(3):
        guarding.tick()
    assert started == ["conversions"]
