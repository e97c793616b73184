"""What a file says, read again when it has changed; one that has become broken changes nothing, and is logged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from contract.errors import SettingsError

T = TypeVar("T")


class WatchedFile(Generic[T]):
    """Threads share it."""

    def __init__(
        self,
        path: Path,
        read: Callable[[T | None], T],
        every_s: float,
        stays: str,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read`: of what was read before, or None at first, what the file says now; its SettingsError ends the constructor. `every_s`: how
        often the file is looked at. `stays`: begins what `log` is told of a file that has become broken.
        """
        self._path, self._read, self._every_s, self._stays, self._log, self._clock = path, read, every_s, stays, log, clock
        self._lock = threading.Lock()
        self._looked, self._stamp = clock(), self._stamp_now()
        self._found = read(None)
        self.problem = ""
        """Why the file as it is now is not in force; "" where it is."""

    def now(self) -> T:
        """As the last good file says."""
        if self._clock() < self._looked + self._every_s:
            return self._found
        with self._lock:
            if self._clock() >= self._looked + self._every_s:
                self._looked = self._clock()
                self._look()
        return self._found

    def _look(self) -> None:
        if (stamp := self._stamp_now()) == self._stamp:
            return
        self._stamp = stamp
        try:
            self._found = self._read(self._found)
        except SettingsError as error:
            self.problem = str(error)
            self._log.error("%s: %s", self._stays, error)
        else:
            self.problem = ""

    def _stamp_now(self) -> tuple[int, int, int]:
        try:
            seen = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return seen.st_mtime_ns, seen.st_size, seen.st_ino
