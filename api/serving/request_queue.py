"""Whole requests that wait for a thread, and not for longer than a bound."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from queue import SimpleQueue

from api.serving.connections import Connection
from api.serving.framing import Arriving


@dataclass(eq=False, slots=True)
class Ticket:
    connection: Connection
    arrived: Arriving
    since: float = field(default_factory=time.monotonic)


class RequestQueue:
    """First come, first served. A ticket is given out once: to a thread, or as overdue to the poller, whoever asks first."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._left: dict[Ticket, bool] = {}
        self._in_order: deque[Ticket] = deque()  # of the poller alone

    def put(self, ticket: Ticket) -> None:
        self._left[ticket] = True
        self._in_order.append(ticket)
        self._queue.put(ticket)

    def take(self) -> Ticket | None:
        """Blocks until there is one; None once they have been told to end."""
        while (ticket := self._queue.get()) is not None:
            if self._is_ours(ticket):
                return ticket
        return None

    def end(self, n_threads: int) -> None:
        for _ in range(n_threads):
            self._queue.put(None)

    def overdue(self) -> list[Ticket]:
        """Those that no thread has taken in time."""
        before, found = time.monotonic() - self._longest_s, []
        while self._in_order and (self._in_order[0].since < before or self._in_order[0] not in self._left):
            ticket = self._in_order.popleft()
            if self._is_ours(ticket):
                found.append(ticket)
        return found

    def __bool__(self) -> bool:
        return bool(self._left)

    def _is_ours(self, ticket: Ticket) -> bool:
        return self._left.pop(ticket, False)  # one step, which no other thread can split
