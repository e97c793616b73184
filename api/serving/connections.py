"""One client's connection: the bytes that came, the rest of an answer that did not go out yet, and how long it may stay as it is.

The poller's thread owns it, and lends it (BUSY) to the thread that answers. That one calls `reply` only, whose last step is the new state.
"""

from __future__ import annotations

import enum
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from api.serving.framing import Arriving, take_head

RECEIVE_BYTES = 2**16
AHEAD_BYTES = 2**16  # what may come behind a request that is being answered
MIN_BYTES_S = 2**14  # a large body, or answer, may take longer than the limit: so much longer as it has bytes at this rate
LINGER_S = 2.0  # how long a client may take to close after the last answer; closing first could cost it that answer
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class State(enum.IntEnum):
    IDLE = 0  # no byte of a request has come
    READING = 1  # a part of one
    BUSY = 2  # one is whole, and with a thread or waiting for one
    WRITING = 3  # its answer does not go out at once
    LINGERING = 4  # the last answer is out
    CLOSED = 5


@dataclass(slots=True)
class Limits:
    """Seconds in a state."""

    keepalive_s: float
    read_s: float


class Connection:
    def __init__(self, sock: socket.socket, client: Any, server: Any) -> None:
        self.sock, self.client, self.server = sock, client, server
        self.state = State.IDLE
        self.since = time.monotonic()
        self.data = bytearray()
        self.rest = memoryview(b"")
        self.is_ended = False  # the client sends no more
        self.is_paused = False  # too much has come behind the request that is being answered: nothing is read
        self.watched = 0  # the events that the selector looks for
        self._keeps = True  # after `rest`
        self._is_broken = False
        self._arriving: Arriving | None = None
        self._n_requests = 0
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def receive(self) -> None:
        try:
            chunk = self.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk, self._is_broken = b"", True
        if not chunk:
            self.is_ended = True
        elif self.state != State.LINGERING:
            self.data += chunk

    def next_request(self, config: Any) -> Arriving | None:
        """The next one that is whole; then the connection is BUSY. Raises gunicorn's errors for what is not HTTP."""
        if self._is_broken:
            return None
        if self._arriving is None:
            if not self.data:
                return None
            if self.state == State.IDLE:
                self.state, self.since = State.READING, time.monotonic()
            self._arriving = take_head(self.data, config, self.client, self._n_requests + 1, self.is_ended)
            if self._arriving is None:
                return None
            self._n_requests += 1
        if not self._arriving.take_body(self.data, self.is_ended):
            if self._arriving.takes_continue():
                with suppress(OSError):
                    self.sock.send(_CONTINUE)
            return None
        whole, self._arriving = self._arriving, None
        self.state = State.BUSY
        return whole

    def reply(self, data: bytes | memoryview, keeps: bool) -> bool:
        """Send an answer, and be IDLE or LINGERING after it, or WRITING. True: the poller has to look at it."""
        try:
            n_sent = self.sock.send(data)
        except BlockingIOError:
            n_sent = 0
        except OSError:  # the client has gone
            n_sent, self._is_broken, keeps = len(data), True, False
        if n_sent < len(data):
            if self.state != State.WRITING:
                self.since = time.monotonic()
            self.rest, self._keeps = memoryview(data)[n_sent:], keeps
            self.state = State.WRITING
            return True
        self.rest = memoryview(b"")
        self.since = time.monotonic()
        if keeps:
            self.state = State.IDLE
            return bool(self.data) or self.is_ended
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._is_broken = True
        self.state = State.LINGERING
        return self.is_gone or self.is_paused

    def write(self) -> None:
        """Send more of the rest."""
        self.reply(self.rest, self._keeps)

    @property
    def is_gone(self) -> bool:
        """Nothing is left to be done but to close it, unless it is BUSY or WRITING."""
        return self._is_broken or self.is_ended

    @property
    def n_held(self) -> int:
        """Bytes of memory."""
        return len(self.data) + len(self.rest)

    def has_expired(self, now: float, limits: Limits) -> bool:
        took = now - self.since
        match self.state:
            case State.IDLE:
                return took > limits.keepalive_s
            case State.READING | State.WRITING:
                return took > limits.read_s + self.n_held / MIN_BYTES_S
            case State.LINGERING:
                return took > LINGER_S
        return False

    def close(self) -> None:
        self.state = State.CLOSED
        self.data, self.rest = bytearray(), memoryview(b"")
        with suppress(OSError):
            self.sock.close()
