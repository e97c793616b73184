"""The API as it runs in production: gunicorn with its configuration, in processes of its own."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import IO, Any, TypeVar

import requests

from tests.support.paths import ROOT
from tests.support.servers.zygote import Forked, Zygote

ARGUMENTS = ("gunicorn", "--config", "api/gunicorn.conf.py", "api.app:create_app()")
COMMAND = (sys.executable, "-m", *ARGUMENTS)
PATIENCE_S = 30.0
ASK_TIMEOUT_S = 15.0
POLL_S = 0.02
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None]) -> T:
    """The first answer of `look` that counts as true."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S:.0f} s"
        time.sleep(POLL_S)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's, with no other LARDER_ variables than `settings`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")} | dict(settings)


def check_problem(answer: requests.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["error"] == error


@cache
def _zygote() -> Zygote:
    """The process from which this one's APIs are forked, until this one's end."""
    made = Zygote("api")
    atexit.register(made.close)
    return made


class ApiProcess:
    """Forked from a process that has imported what it needs."""

    def __init__(self, redis_url: str, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed at the end of the context that this object is)
        own = {"LARDER_REDIS_URL": redis_url, "LARDER_API_HOST": "127.0.0.1", "LARDER_API_PORT": str(self.port)}
        self._settings = {**own, "LARDER_API_QUEUE_S": "10", **settings}  # on a machine that is busy, a request may wait for longer
        self.process = self._start(environment(self._settings), self._log)

    def _start(self, environ: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes] | Forked:
        return _zygote().fork(ARGUMENTS, environ, log, log)

    def __enter__(self) -> ApiProcess:
        until("the API lives", self.is_live)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._log.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_live(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return self.get("/health/live").ok
        except requests.ConnectionError:
            return False

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=ASK_TIMEOUT_S)

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=ASK_TIMEOUT_S)

    def send_admin(self, method: str, path: str, key: str, body: object = None, request_id: str = "") -> requests.Response:
        headers = {"X-API-Key": key, "X-Request-ID": request_id}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=ASK_TIMEOUT_S)

    def ask(self, user_id: object, **more: object) -> requests.Response:
        return requests.post(f"{self.url}/recommendations", json={"user_id": user_id, **more}, timeout=ASK_TIMEOUT_S)

    def send(self, raw: bytes) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of the answer to bytes that no HTTP client would send."""
        with socket.create_connection(("127.0.0.1", self.port), ASK_TIMEOUT_S) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                head, _, body = stream.read().partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(first.split()[1]), headers, json.loads(body)

    def log(self) -> str:
        # Not through the shared file offset, at which gunicorn writes.
        return os.pread(self._log.fileno(), 1 << 24, 0).decode()

    def log_lines(self) -> list[dict[str, Any]]:
        whole, _, _ = self.log().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def booted(self) -> list[int]:
        """Process ids of all gunicorn workers so far, oldest first."""
        prefix = "Booting worker with pid: "
        messages = (str(line.get("message", "")) for line in self.log_lines())
        return [int(message.removeprefix(prefix)) for message in messages if message.startswith(prefix)]


class LoneApi(ApiProcess):
    """Started by itself, as in the stacks."""

    def _start(self, environ: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(COMMAND, cwd=ROOT, env=environ, stdout=log, stderr=log)
