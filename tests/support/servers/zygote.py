"""Processes of the trainer, the worker and the API, forked from one that has imported and compiled all they need: real ones, at a tenth of
the time.

`python -m tests.support.servers.zygote SOCKET KIND` is that process; KIND is a key of WARM. A request is one message on a connection: JSON
of what to run, with two file descriptors for its output; the answers are the child's pid, then its exit code, a line each. A child that a
signal ends has the code -N.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from engine import kernel_cache
from tests.support.paths import ROOT

START_TIMEOUT_S = 120.0
METRICS = "PROMETHEUS_MULTIPROC_DIR"
_MESSAGE_BYTES = 1 << 20


class Forked:
    """What subprocess.Popen is for a process of one's own: pid, poll, wait, signals."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("r")
        self._connection = connection
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._read(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if selector.select(timeout):
                    self.returncode = int(self._answers.readline())
                    self._answers.close()
                    self._connection.close()
        return self.returncode


class Zygote:
    """Starts the process that forks, and asks it; `close` ends it."""

    def __init__(self, kind: str = "runs") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="larder-zygote-")
        self._path = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.servers.zygote", self._path, kind],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert ready == b"ready\n", "the process that forks did not start"

    def fork(self, arguments: Sequence[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes], niceness: int = 0) -> Forked:
        """`python -m ARGUMENTS` in the checkout, with that environment and output."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(START_TIMEOUT_S)
        connection.connect(self._path)
        message = json.dumps({"arguments": list(arguments), "environ": dict(environ), "niceness": niceness}).encode()
        socket.send_fds(connection, [message + b"\n"], [out.fileno(), err.fileno()])
        forked = Forked(connection)
        connection.settimeout(None)
        return forked

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._folder.cleanup()


def main(path: str, kind: str) -> int:
    """Import, compile, listen; fork for each request, and tell how each child ended. Ends with whoever started it, be that one killed."""
    WARM[kind]()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(64)
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    children: dict[int, socket.socket] = {}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    for pid in children:
                        os.kill(pid, signal.SIGTERM)
                    return 0
                if key.fileobj is server:
                    connection, _ = server.accept()
                    children[_fork(connection, (server, woken, wake, *children.values()))] = connection
                else:
                    woken.recv(4096)
            _bury(children)


def _fork(connection: socket.socket, inherited: Sequence[socket.socket]) -> int:
    """Fork what the connection asks for; its pid, which the other side is told."""
    message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 2)
    while not message.endswith(b"\n"):
        message += connection.recv(_MESSAGE_BYTES)
    asked = json.loads(message)
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (connection, *inherited):
            other.close()
        _become(asked["arguments"], asked["environ"], descriptors, asked["niceness"])
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{pid}\n".encode())
    return pid


def _become(arguments: list[str], environ: dict[str, str], descriptors: list[int], niceness: int) -> None:
    """Be `python -m ARGUMENTS`; never returns."""
    code: object = 70
    try:
        for descriptor, standard in zip(descriptors, (1, 2), strict=True):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(environ)
        os.nice(niceness)
        sys.argv = list(arguments)
        code = _run(*arguments)
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _run(package: str, *rest: str) -> int:
    if package == "worker":
        from worker.__main__ import main as work

        return work(list(rest))
    if package == "gunicorn":
        from gunicorn.app.wsgiapp import run  # type: ignore[import-untyped]

        return int(run() or 0)
    from trainer.__main__ import main as train

    return train()


def _bury(children: dict[int, socket.socket]) -> None:
    """Tell who waits how the children ended that have."""
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with children.pop(pid) as connection:
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _warm_runs() -> None:
    """All that a run, a worker or a command imports; nothing that starts threads, which a fork would lose."""
    kernel_cache.use(os.environ)
    import worker.__main__
    import worker.jobs  # noqa: F401
    from engine.fit import rows
    from engine.score.warm import warm

    rows.warm()
    warm()


def _warm_api() -> None:
    """What gunicorn and the application import, but for gunicorn's settings, which read the environment of the one that is started."""
    os.environ[METRICS] = os.devnull  # prometheus_client looks whether there is one when it is imported
    import gunicorn.app.wsgiapp  # type: ignore[import-untyped]  # noqa: F401

    import api.app
    import api.metrics.files
    import api.serving.logs
    import api.serving.worker_class  # noqa: F401

    del os.environ[METRICS]


WARM = {"runs": _warm_runs, "api": _warm_api}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
