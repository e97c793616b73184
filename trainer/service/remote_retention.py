"""Retention of artifacts in an object store, for a process that forks: in a process of its own, since obstore does not outlive a fork."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

EVERY_S = 600.0


class RemoteRetention:
    """Calls `larder prune` beside the service: when a generation was pruned, and every now and then for what was left behind."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]] | None = None, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: of that process; None: that of this one."""
        self._start = start or partial(_prune, environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._last = time.monotonic()
        self._seen: set[str] = set()

    def tick(self, pruned: set[str]) -> None:
        """Start it where it does not run and there is something new in `pruned`, generations of which only the artifact is left."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = None
        if pruned - self._seen or time.monotonic() - self._last >= EVERY_S:
            self._seen, self._last = pruned, time.monotonic()
            self._process = self._start()


def _prune(environ: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trainer", "prune"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environ)  # noqa: S603 (a command of our own)
