"""When a process follows a promotion: all of them at one moment of Redis' clock, which the pointer names.

What Redis' clock says now is known up to the time that asking it takes. Before the moment for sure: the lists of before. After it for sure:
the new ones. In between the request waits until it is sure, for less than that one round trip. So who has got new lists from one process
gets them from each of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from api.lists.breaker import Breaker
from contract.errors import StoreError
from contract.formats.manifest import MovedPointer, Pointer

LONGEST_MS = 2_000  # beyond the longest time that a pointer may be believed: then the clock is another, that of a replica that took over
MARGIN_MS = 1.0  # clocks of two machines run apart by far less than this within a second


class Cutover:
    def __init__(self, breaker: Breaker, clock: Callable[[], float], wait: Callable[[float], None] = time.sleep) -> None:
        self._breaker = breaker
        self._clock = clock
        self._wait = wait
        self._settled = ("", 0)  # the move whose moment has come

    def served(self, newest: MovedPointer) -> tuple[Pointer, float]:
        """What is to be followed, and until when on our clock nothing can change that. Raises StoreError."""
        move = (newest.generation, newest.holds_from_ms)
        if newest.before is None or move == self._settled:
            return newest, math.inf
        asked = self._clock()
        try:
            seconds, micros = self._breaker.ask(lambda redis: redis.time())
        except StoreError:  # away, which the list that is asked for meets as well; or a user of Redis who may not ask for the time
            self._settled = move
            return newest, math.inf
        answered = self._clock()
        earliest = seconds * 1000 + micros / 1000
        latest = earliest + (answered - asked) * 1000 + MARGIN_MS
        pointer: MovedPointer | None = newest
        until = math.inf
        while pointer is not None and pointer.before is not None:
            left_ms = pointer.holds_from_ms - earliest
            if left_ms <= 0 or left_ms > LONGEST_MS:
                break
            if pointer.holds_from_ms <= latest:
                self._wait(left_ms / 1000)
                break
            until = answered + (pointer.holds_from_ms - latest) / 1000
            pointer = pointer.before
        if pointer is newest:
            self._settled = move
        return pointer or newest, until
