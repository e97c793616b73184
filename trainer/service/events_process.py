"""The process beside the trainer service that writes events to files: started again when it has ended."""

from __future__ import annotations

import logging
import subprocess
import sys

from contract.settings.settings import Settings

log = logging.getLogger("larder.trainer")
COMMAND = (sys.executable, "-m", "trainer.events")


class EventsProcess:
    """One of its own, since the service forks for its jobs, and threads that read or write files don't outlive a fork."""

    def __init__(self, settings: Settings) -> None:
        self._is_wanted = settings.events
        self._process: subprocess.Popen[bytes] | None = None

    def see_to(self) -> None:
        """Start it where it is wanted and does not run. Costs nothing else."""
        if not self._is_wanted or (self._process is not None and self._process.poll() is None):
            return
        if self._process is not None:
            log.error("the process that writes events has ended with %d; it is started again", self._process.returncode)
        self._process = subprocess.Popen(COMMAND)  # noqa: S603 (a command of our own)
