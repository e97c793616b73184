"""From the last commit of 0.1 to this one, with the data in place: lists are served throughout, and the way back is open.

In the order of docs/upgrade.md, on a Redis that stays: the API first, then workers and trainer.
"""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.local import LocalStack, kept_kernels
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.redis_server import RedisServer

BEFORE = "17978d8c19a1d2f16db61aa975f4f419fe8bcd76"
SET = "synthetic:300x200x6000"
USER = 1
pytestmark = pytest.mark.timeout(900)


class OldStack(LocalStack):
    def environment(self, **settings: str) -> dict[str, str]:
        """0.1 refuses settings that it does not know."""
        known = super().environment(**settings)
        del known["LARDER_API_QUEUE_S"]
        return known


@pytest.fixture
def old_checkout(tmp_path: Path) -> Path:
    """What 0.1 was; skipped in a clone without its history."""
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"needs commit {BEFORE} in the history: git fetch --unshallow")
    folder = tmp_path / "old"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


@pytest.fixture
def redis_that_stays() -> Iterator[str]:
    with RedisServer() as server:
        yield server.url


def test_an_upgrade_while_lists_are_served(old_checkout: Path, redis_that_stays: str, tmp_path: Path) -> None:
    old = OldStack(tmp_path / "var", tmp_path / "numba-old", root=old_checkout)
    new = LocalStack(tmp_path / "var", kept_kernels(), port=old.port)
    stop, seen = threading.Event(), Counter[int]()
    try:
        old.run("up", LARDER_REDIS_URL=redis_that_stays, LARDER_INTERACTIONS=SET)
        first, items = old.generation(), old.ask(USER).json()["items"]
        with ApiProcess(redis_that_stays) as api:

            def ask_on() -> None:
                while not stop.is_set():
                    seen[api.ask(USER).status_code] += 1

            asking = threading.Thread(target=ask_on)
            asking.start()
            try:
                assert api.ask(USER).json()["items"] == items
                old.run("down")
                new.run("up", LARDER_REDIS_URL=redis_that_stays, LARDER_INTERACTIONS=SET)
                assert new.generation() == first
                new.run("retrain")
                assert new.generation() != first
                assert new.ask(USER).json()["items"] == items  # the same events and settings
                new.run("rollback")
                new.run("verify")
                assert new.generation() == first
            finally:
                stop.set()
                asking.join()
        assert set(seen) == {200}
    finally:
        new.run("clean")
