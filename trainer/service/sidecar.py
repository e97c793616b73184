"""Processes beside the trainer service: those which write events to files, count outcomes, and tell others what became of runs."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Mapping

log = logging.getLogger("larder.trainer")
WITHOUT_ROOM_S = 10.0  # until the next try, where the machine has no room for one process more
REST = 20  # times as long as it took, before one that ends by itself is started again


class Sidecar:
    """One process of its own, since the service forks for its jobs, and threads don't outlive a fork. Started again when it has ended."""

    def __init__(self, module: str, does: str, *, is_wanted: bool, every_s: float = 0, environ: Mapping[str, str] | None = None) -> None:
        """`does`: what it is, in words. `every_s`: how often one that ends by itself is started; 0: it is to run until it is stopped.
        `environ`: None: that of this process."""
        self._environ = environ
        self._command, self._does, self._is_wanted = (sys.executable, "-m", module), does, is_wanted
        self._every_s, self._began, self._again = every_s, 0.0, 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def see_to(self) -> None:
        """Start it where it is wanted, does not run, and is due. Costs nothing else."""
        if not self._is_wanted or (self._process is not None and self._process.poll() is None):
            return
        now = time.monotonic()
        if self._process is not None:
            code, self._process = self._process.returncode, None
            if self._every_s:
                self._again = self._began + max(self._every_s, REST * (now - self._began))
            if code or not self._every_s:
                again = f"in {self._again - now:.0f} s" if self._every_s else "now"
                log.error("the process that %s has ended with %d; it is started again %s", self._does, code, again)
        if now >= self._again:
            self._began = now
            try:
                self._process = subprocess.Popen(self._command, env=self._environ)  # noqa: S603 (a command of our own)
            except OSError as error:
                self._again = now + WITHOUT_ROOM_S
                log.error("the process that %s can't be started: %s; tried again in %.0f s", self._does, error, WITHOUT_ROOM_S)

    def close(self) -> None:
        """It is not wanted any more."""
        self._is_wanted = False
        if self._process is not None:
            self._process.terminate()
