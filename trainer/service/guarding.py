"""Experiments that end by themselves when an arm is worse: `larder experiment judge` beside the service, every now and then.

In a process of its own, since polars does not outlive a fork, and the service forks for its jobs.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable

from contract.larder import Larder

log = logging.getLogger("larder.trainer")
EVERY_S = 600.0


class Guarding:
    """Costs a look at the pointer every `every_s`, and more only while an experiment runs that is to be watched."""

    def __init__(self, larder: Larder, every_s: float = EVERY_S, start: Callable[[str], subprocess.Popen[bytes]] | None = None) -> None:
        """`start`: begins to judge by clicks or by conversions."""
        self._larder, self._every_s, self._start = larder, every_s, start or _judge
        self._process: subprocess.Popen[bytes] | None = None
        self._last = -every_s

    def tick(self) -> None:
        """Raises GenerationError for an experiment of a later version, and what redis-py raises."""
        if self._process is not None:
            if (code := self._process.poll()) is None:
                return
            self._process = None
            if code:
                log.error("the experiment could not be judged: `larder experiment judge` ended with %d", code)
        if time.monotonic() - self._last < self._every_s:
            return
        self._last = time.monotonic()
        running = self._larder.experiments.running()
        if running is not None and running.stop_when_worse:
            self._process = self._start(running.stop_when_worse)


def _judge(what: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trainer", "experiment", "judge", "--of", what, "--stop-when-worse"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 (a command of our own)
