"""One connection to Redis on which nobody waits: commands of many requests go out together, and answers are taken when they are there.

It reads lists alone. All else, and lists, too, where the connection would need TLS or a Sentinel, is asked by the clients of clients.py.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis
from redis.connection import parse_url

from api.lists.clients import Command
from contract.errors import StoreError

CONNECT_S = 0.4  # for all of it: the connection, the password, the database
RECEIVE_BYTES = 2**18
MAX_UNSENT_BYTES = 2**18


class Link:
    """Owned by one thread, but for `connect`, which waits and is called by another one before."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for an address that it can't use."""
        if not url.startswith(("redis://", "unix://")):
            raise ValueError("neither TLS nor Sentinels")
        self._options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
        self._sock: socket.socket | None = None
        self._reader = hiredis.Reader()
        self._unsent = bytearray()

    @property
    def is_open(self) -> bool:
        return self._sock is not None

    def ends(self) -> list[tuple[socket.socket, Callable[[], list[Any]]]]:
        """What is readable when answers have come, with what takes them."""
        return [] if self._sock is None else [(self._sock, self.receive)]

    def connect(self) -> socket.socket:
        """A connection that is ready, for `begin`. Waits; raises OSError, StoreError."""
        options = self._options
        path = str(options.get("path", ""))
        if path:
            sock = socket.socket(socket.AF_UNIX)
        else:
            sock = socket.create_connection((options.get("host", "localhost"), options.get("port", 6379)), CONNECT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            if path:
                sock.settimeout(CONNECT_S)
                sock.connect(path)
            if password := options.get("password"):
                _told(sock, ("AUTH", *([options["username"]] if options.get("username") else []), password))
            if database := options.get("db"):
                _told(sock, ("SELECT", str(database)))
        except BaseException:
            sock.close()
            raise
        sock.setblocking(False)
        return sock

    def begin(self, sock: socket.socket) -> None:
        self._sock, self._reader, self._unsent = sock, hiredis.Reader(), bytearray()

    def put(self, commands: Sequence[Command]) -> None:
        for command in commands:
            self.put_one(command)

    def put_one(self, command: Command) -> None:
        """To be sent by the next `flush`."""
        self._unsent += _packed(command)

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be sent that no more should be put."""
        return len(self._unsent) > MAX_UNSENT_BYTES // 2

    def flush(self) -> bool:
        """Send what can be sent without waiting; whether anything is left. Raises OSError, also where Redis takes nothing for long."""
        if not self._unsent or self._sock is None:
            return False
        try:
            n_sent = self._sock.send(self._unsent)
        except BlockingIOError:
            n_sent = 0
        del self._unsent[:n_sent]
        if len(self._unsent) > MAX_UNSENT_BYTES:
            raise BrokenPipeError("Redis takes nothing")
        return bool(self._unsent)

    def receive(self) -> list[Any]:
        """The answers that are there, in the order of the commands; an error of Redis is one of them. Raises OSError at its end."""
        if self._sock is None:
            return []
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError("Redis has closed the connection")
        self._reader.feed(data)
        found: list[Any] = []
        try:
            while (answer := self._reader.gets()) is not False:
                found.append(answer)
        except hiredis.HiredisError as error:
            raise ConnectionAbortedError("what came is not Redis' protocol") from error
        return found

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
        self._sock = None


_packed: Callable[[tuple[str, ...]], bytes] = cast(Any, hiredis.pack_command)  # which is said to take one word alone


def _told(sock: socket.socket, command: tuple[str, ...]) -> None:
    reader = hiredis.Reader()
    sock.sendall(_packed(command))
    while (answer := reader.gets()) is False:
        data = sock.recv(4096)
        if not data:
            raise ConnectionResetError("Redis has closed the connection")
        reader.feed(data)
    if isinstance(answer, Exception):
        raise StoreError(f"Redis refuses {command[0]}")
