"""Processes beside the trainer service: started where they are wanted, and again when they have ended."""

from __future__ import annotations

import logging
import subprocess
from typing import Any

import pytest

from trainer.service import sidecar
from trainer.service.sidecar import Sidecar


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started, each of which has ended."""
    found: list[subprocess.Popen[bytes]] = []

    def start(command: Any, **_: Any) -> subprocess.Popen[bytes]:
        found.append(popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        found[-1].wait()
        return found[-1]

    popen = subprocess.Popen
    monkeypatch.setattr("trainer.service.sidecar.subprocess.Popen", start)
    return found


def test_one_that_is_to_run_for_ever_is_started_again_at_once(
    begun: list[subprocess.Popen[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    process = Sidecar("site", "does nothing", is_wanted=True)
    process.see_to()
    process.see_to()
    assert len(begun) == 2
    assert "the process that does nothing has ended with 0; it is started again now" in caplog.text
    Sidecar("site", "is not wanted", is_wanted=False).see_to()
    assert len(begun) == 2


@pytest.mark.parametrize(("module", "told"), [("site", 0), ("no.such.module", 1)])
def test_one_that_ends_by_itself_rests_and_only_a_failure_is_told(
    begun: list[subprocess.Popen[bytes]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    told: int,
) -> None:
    now = 1000.0
    monkeypatch.setattr("trainer.service.sidecar.time.monotonic", lambda: now)
    caplog.set_level(logging.ERROR)
    process = Sidecar(module, "counts", is_wanted=True, every_s=60)
    for after, n in ((0, 1), (2, 1), (50, 1), (61, 2), (61 + 10, 2), (61 + 10 * sidecar.REST - 1, 2), (61 + 10 * sidecar.REST, 3)):
        now = 1000.0 + after
        process.see_to()
        assert len(begun) == n, after
    assert len(caplog.records) == 2 * told


def test_one_that_the_machine_has_no_room_for_is_tried_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, tried = 1000.0, list[float]()

    def full(_: Any, **__: Any) -> None:
        tried.append(now)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("trainer.service.sidecar.time.monotonic", lambda: now)
    monkeypatch.setattr("trainer.service.sidecar.subprocess.Popen", full)
    process = Sidecar("site", "counts", is_wanted=True)
    for after in (0, sidecar.WITHOUT_ROOM_S - 1, sidecar.WITHOUT_ROOM_S):
        now = 1000.0 + after
        process.see_to()
    assert tried == [1000.0, 1000.0 + sidecar.WITHOUT_ROOM_S]
    assert "the process that counts can't be started: [Errno 11] Resource temporarily unavailable; tried again in 10 s" in caplog.text
