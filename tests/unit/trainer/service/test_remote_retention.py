"""Retention of an object store runs beside the service: once for what is new, and never twice at a time."""

from __future__ import annotations

import subprocess
import sys

from trainer.service.remote_retention import RemoteRetention


def test_it_starts_for_what_is_new_and_one_at_a_time() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE))
        return started[-1]

    retention = RemoteRetention(start)
    retention.tick(set())
    assert started == []
    retention.tick({"a"})
    retention.tick({"a", "b"})  # the first still runs
    assert len(started) == 1
    started[0].communicate()
    retention.tick({"a", "b"})
    assert len(started) == 2
    started[1].communicate()
    retention.tick({"b"})
    assert len(started) == 2
