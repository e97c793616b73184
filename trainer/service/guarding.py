"""Experiments that end by themselves when an arm is worse: `larder experiment judge` beside the service, once for each day that closes.

In a process of its own, since polars does not outlive a fork, and the service forks for its jobs.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from contract.experiments.definition import Experiment
from contract.larder import Larder
from trainer.judging.days import closed_days, too_old, written_until

log = logging.getLogger("larder.trainer")
EVERY_S = 600.0
NICE = 10  # behind whatever else the machine has to do


class Guarding:
    """Costs a look at the pointer every `every_s`, and more only when a day closes of an experiment that is to be watched."""

    def __init__(
        self,
        larder: Larder,
        every_s: float = EVERY_S,
        start: Callable[[str], subprocess.Popen[bytes]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`start`: begins to judge by clicks or by conversions. `environ`: of the process that does; None: that of this one."""
        self._larder, self._every_s, self._start = larder, every_s, start or partial(_judge, environ=environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._last = -every_s
        self._looking, self._looked = ("", 0), ("", 0)
        self._refused = ""

    def tick(self) -> None:
        """Raises GenerationError for an experiment of a later version, and what redis-py raises."""
        if self._process is not None:
            if (code := self._process.poll()) is None:
                return
            self._process = None
            if code == 0:
                self._looked = self._looking
            else:
                log.error("the experiment could not be judged: `larder experiment judge` ended with %d", code)
        if time.monotonic() - self._last < self._every_s:
            return
        self._last = time.monotonic()
        running = self._larder.experiments.running()
        if running is not None and running.has_begun and running.stop_when_worse and self._has_news(running):
            self._process = self._start(running.stop_when_worse)

    def _has_news(self, running: Experiment) -> bool:
        """Whether a day has closed that nobody has looked at. What failed is tried again."""
        settings = self._larder.settings
        if why := too_old(settings, running, datetime.now(UTC)):
            if self._refused != running.id:
                log.error("%s", why)
            self._refused = running.id
            return False
        self._looking = running.id, closed_days(settings, running, written_until(self._larder))
        return self._looking[1] > 0 and self._looking != self._looked


def _judge(what: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trainer", "experiment", "judge", "--of", what, "--stop-when-worse"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environ)  # noqa: S603 (a command of our own)
    os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    return process
