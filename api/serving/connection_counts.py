"""How many connections each process of gunicorn has, told by all to all, so that who has more leaves the next one to another.

All processes listen on the same sockets. Without it, who is awake takes every connection of a burst: one process has them all.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable

N_SLOTS = 64
ALIVE_S = 2.0  # how long a process counts after its last word; it has one twice a second
_told = memoryview(mmap.mmap(-1, 16 * N_SLOTS)).cast("d")  # made before the fork: when of each slot's last word, then how many


class ConnectionCounts:
    def __init__(self, number: int, told: memoryview[float] = _told, clock: Callable[[], float] = time.monotonic) -> None:
        """Of the process that was the `number`-th to start."""
        self._slot, self._told, self._clock = number % N_SLOTS, told, clock

    def tell(self, n: int) -> None:
        """This process has `n`."""
        self._told[N_SLOTS + self._slot] = n
        self._told[self._slot] = self._clock()

    def has_more(self, n: int) -> bool:
        """Whether another process that lives has fewer than `n`."""
        words, since = self._told.tolist(), self._clock() - ALIVE_S
        own = self._slot
        return any(words[at] > since and words[N_SLOTS + at] < n for at in range(N_SLOTS) if at != own)

    def end(self) -> None:
        self._told[self._slot] = 0.0
