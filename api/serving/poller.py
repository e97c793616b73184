"""All connections of a worker, in the one thread that reads from them. Whole requests are handed on."""

from __future__ import annotations

import errno
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import PollableMethodQueue  # type: ignore[import-untyped]

from api.http.problems import request_timeout
from api.serving.acceptor import Acceptor, Listeners
from api.serving.connection_counts import ConnectionCounts
from api.serving.connections import AHEAD_BYTES, Connection, Limits, State
from api.serving.framing import Arriving

MAX_HELD_BYTES = 2**26  # of requests that are not whole, and of answers that are not out
_NOBODY_THERE = (errno.EAGAIN, errno.ECONNABORTED, errno.EINTR, errno.EPROTO, errno.EPERM)  # it has gone, or a firewall refused it
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Poller:
    def __init__(
        self,
        config: Any,
        limits: Limits,
        max_connections: int,
        handle: Callable[[Connection, Arriving], None],
        refuse: Callable[[Exception], bytes],
        counts: ConnectionCounts | None = None,
    ) -> None:
        """`handle` gets whole requests, and must not wait; `refuse` makes the answer to what is no request."""
        self.limits = limits
        self._config, self._max_connections = config, max_connections
        self._handle, self._refuse = handle, refuse
        self._connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(self._selector, counts, self._accept, self._connections.__len__)
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._selector.register(self._calls.fileno(), _READ, lambda _mask: self._calls.run_callbacks(None))

    def __bool__(self) -> bool:
        return bool(self._connections)

    def turn(self, timeout_s: float) -> bool:
        """Do what is to be done, and return at the latest after this time without anything to do; whether there was any."""
        came = self._selector.select(self._acceptor.patience(timeout_s))
        for key, mask in came:
            key.data(mask)
        self._acceptor.look()
        return bool(came)

    def defer(self, call: Callable[..., None], *arguments: Any) -> None:
        """From another thread: have the poller's call it."""
        self._calls.defer(call, *arguments)

    def watch(self, file: Any, call: Callable[[int], None]) -> None:
        """Call it with what can be read from `file`."""
        self._selector.register(file, _READ, call)

    def unwatch(self, file: Any) -> None:
        self._selector.unregister(file)

    def wake(self) -> None:
        """From another thread, or a signal's handler."""
        self._calls.defer(lambda: None)

    def reply(self, connection: Connection, data: bytes, keeps: bool) -> None:
        """From any thread that was handed a request of the connection."""
        if connection.reply(data, keeps):
            self._calls.defer(self._look_at, connection)

    def tell(self) -> None:
        """The other processes, how many connections there are."""
        self._acceptor.tell()

    def listen(self, listeners: Listeners, on: bool = True) -> None:
        self._acceptor.set(listeners, on)

    def stop_listening(self, listeners: Listeners) -> None:
        self._acceptor.shut(listeners)

    def expire(self) -> None:
        """Close what has run out of time, or of memory."""
        now = time.monotonic()
        for connection in [one for one in self._connections if one.has_expired(now, self.limits)]:
            if connection.state == State.READING:
                self._end(connection, request_timeout())
            else:
                self._close(connection)
        while sum(one.n_held for one in self._connections) > MAX_HELD_BYTES and self._make_room(lambda one: -one.n_held):
            pass

    def close(self) -> None:
        for connection in list(self._connections):
            self._close(connection)

    def _accept(self, listeners: Listeners, listener: Any) -> bool:
        """One connection. Where there are too many, the one that has waited for longest is closed for it."""
        if len(self._connections) >= self._max_connections and not self._make_room(lambda one: one.since):
            self.listen(listeners, False)  # all are being answered; the worker listens again in a moment
            return False
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                if not self._make_room(lambda one: one.since):
                    self.listen(listeners, False)
            elif error.errno not in _NOBODY_THERE:
                raise
            return False
        connection = Connection(sock, client, listener.getsockname())
        self._connections.add(connection)
        self._acceptor.tell()
        self._watch(connection)
        return True

    def _make_room(self, order: Callable[[Connection], float]) -> bool:
        """Close the first connection by `order` of those that no thread has; false where there is none."""
        free = [one for one in self._connections if one.state != State.BUSY]
        if free:
            self._close(min(free, key=order))
        return bool(free)

    def _on_event(self, connection: Connection, mask: int) -> None:
        if connection.state == State.CLOSED:  # by what came before in this turn
            return
        if mask & _WRITE:
            connection.write()
        if mask & _READ:
            connection.receive()
        self._look_at(connection)

    def _look_at(self, connection: Connection) -> None:
        """Do what its state asks for, which may be nothing."""
        if connection.state in (State.IDLE, State.READING):
            self._read(connection)
        if connection.state == State.LINGERING and connection.is_gone:
            self._close(connection)
        if connection.state != State.CLOSED:
            self._watch(connection)

    def _read(self, connection: Connection) -> None:
        try:
            arrived = connection.next_request(self._config)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other connections are none the worse)
            if connection.is_gone:  # in the middle of a head
                self._close(connection)
            else:
                self._end(connection, error)
            return
        if arrived is not None:
            self._handle(connection, arrived)
        elif connection.is_gone:
            self._close(connection)

    def _end(self, connection: Connection, error: Exception) -> None:
        connection.data.clear()
        self.reply(connection, self._refuse(error), keeps=False)

    def _watch(self, connection: Connection) -> None:
        """Have the selector look for what the connection waits for, and for nothing else: it would tell it again and again."""
        is_busy = connection.state in (State.BUSY, State.WRITING)
        connection.is_paused = is_busy and len(connection.data) > AHEAD_BYTES
        reads = 0 if connection.is_gone or connection.is_paused else _READ
        wanted = reads | (_WRITE if connection.state == State.WRITING else 0)
        if wanted == connection.watched:
            return
        if connection.watched:
            self._selector.unregister(connection.sock)
        if wanted:
            self._selector.register(connection.sock, wanted, partial(self._on_event, connection))
        connection.watched = wanted

    def _close(self, connection: Connection) -> None:
        if connection.watched:
            with suppress(KeyError, ValueError, OSError):
                self._selector.unregister(connection.sock)
        self._connections.discard(connection)
        self._acceptor.tell()
        connection.close()
