"""The sockets that clients connect to, of one process: whether it listens now, or leaves who comes to another one."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from api.serving.connection_counts import ConnectionCounts

LEAVE_S = 0.005  # how long a connection is left to a process that has fewer

Listeners = list[Any]


class Acceptor:
    """Of the poller's thread. `accept` takes one connection, if there is one; `count` says how many there are."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        counts: ConnectionCounts | None,
        accept: Callable[[Listeners, Any], bool],
        count: Callable[[], int],
    ) -> None:
        self.is_open = False
        self._selector, self._counts, self._accept, self._count = selector, counts, accept, count
        self._left: Listeners | None = None  # to other processes, until then:
        self._left_until = 0.0

    def patience(self, timeout_s: float) -> float:
        """How long the selector may wait."""
        return timeout_s if self._left is None else min(timeout_s, LEAVE_S)

    def look(self) -> None:
        """Take what others have left."""
        if self._left is not None and time.monotonic() >= self._left_until:
            self._take_left(self._left)

    def tell(self) -> None:
        """How many connections there are, to the other processes."""
        if self._counts is not None:
            self._counts.tell(self._count())

    def set(self, listeners: Listeners, is_open: bool) -> None:
        if is_open == self.is_open:
            return
        for listener in listeners:
            if is_open:
                listener.setblocking(False)
                self._selector.register(listener, selectors.EVENT_READ, partial(self._on_client, listeners, listener))
            else:
                self._selector.unregister(listener)
        self.is_open = is_open

    def shut(self, listeners: Listeners) -> None:
        """Who has connected is taken; who connects now is refused, once other processes have closed the listeners, too."""
        if self._left is not None:
            self._take_left(self._left)
        for listener in listeners:
            while self.is_open and self._accept(listeners, listener):
                pass
        self.set(listeners, False)
        for listener in listeners:
            listener.close()
        if self._counts is not None:
            self._counts.end()
            self._counts = None  # connections that end from now on are nothing to the others

    def _on_client(self, listeners: Listeners, listener: Any, _mask: int) -> None:
        if self._counts is not None and self.is_open and self._counts.has_more(self._count()):
            self.set(listeners, False)
            self._left, self._left_until = listeners, time.monotonic() + LEAVE_S
        else:
            self._accept(listeners, listener)

    def _take_left(self, listeners: Listeners) -> None:
        """One connection of each listener, if the others have left any; and listen again."""
        self._left = None
        self.set(listeners, True)
        for listener in listeners:
            self._accept(listeners, listener)
