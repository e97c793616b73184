"""Processes beside the trainer service: that which writes events to files, and that which tells others what became of runs."""

from __future__ import annotations

import logging
import subprocess
import sys

log = logging.getLogger("larder.trainer")


class Beside:
    """One process of its own, since the service forks for its jobs, and threads don't outlive a fork. Started again when it has ended."""

    def __init__(self, module: str, does: str, *, is_wanted: bool) -> None:
        """`does`: what it is, in words."""
        self._command, self._does, self._is_wanted = (sys.executable, "-m", module), does, is_wanted
        self._process: subprocess.Popen[bytes] | None = None

    def see_to(self) -> None:
        """Start it where it is wanted and does not run. Costs nothing else."""
        if not self._is_wanted or (self._process is not None and self._process.poll() is None):
            return
        if self._process is not None:
            log.error("the process that %s has ended with %d; it is started again", self._does, self._process.returncode)
        self._process = subprocess.Popen(self._command)  # noqa: S603 (a command of our own)
