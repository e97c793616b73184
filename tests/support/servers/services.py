"""Trainer and worker as real processes, on a Redis of the tests' own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

from redis import Redis

from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.runs import Runs
from stack.supervision.programs import NICENESS
from tests.support.paths import ROOT
from tests.support.servers.zygote import Forked, Zygote

T = TypeVar("T")
PATIENCE_S = 100.0
NICE = ("nice", "-n", str(NICENESS))  # as in the stacks: a request must not wait for scoring


def await_that(condition: Callable[[], T | None], what: str | Callable[[], str], patience_s: float = PATIENCE_S) -> T:
    """The first true value of `condition`; fails the test when none comes in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {patience_s:.0f} s in vain for this: {what() if callable(what) else what}")


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text() if Path(f"/proc/{pid}").exists() else ""
    return [int(child) for child in found.split()]


def sent(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False for a process that has just ended by itself."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def stopped(pid: int) -> bool:
    """Stop a process; False for one that has ended, or ends before it stands still."""
    if not sent(pid, signal.SIGSTOP):
        return False

    def state() -> str | None:
        try:
            letter = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except (FileNotFoundError, ProcessLookupError):
            return "X"
        return letter if letter in "TZX" else None

    return await_that(state, f"process {pid} stands still or is gone") == "T"


class Services:
    """Starts trainer and workers with one environment; `close` leaves none behind."""

    def __init__(self, url: str, folder: Path, zygote: Zygote | None = None, **settings: object) -> None:
        """Processes are forked from `zygote`, or else started by themselves, as in the stacks."""
        self.environ = {f"LARDER_{name.upper()}": str(value) for name, value in settings.items()}
        self.environ |= {"LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": f"file://{folder}/artifacts"}
        self.settings = Settings.from_environ(self.environ)
        self.redis: Redis = connect(url)
        self.keys = Keys(self.settings.namespace)
        self.generations, self.runs = Generations(self.redis, self.keys), Runs(self.redis, self.keys)
        self._folder = folder
        self._zygote = zygote
        self.processes: list[subprocess.Popen[bytes] | Forked] = []

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[bytes] | Forked:
        """`python -m ARGUMENTS`, logging into the folder."""
        with open(self._folder / f"{'-'.join(arguments)}-{len(self.processes)}.log", "wb") as log:
            process = self._process(arguments, {**os.environ, **self.environ, **extra}, log, log)
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m trainer ARGUMENTS`, to its end."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._process(("trainer", *arguments), {**os.environ, **self.environ}, out, err)
            try:
                code = process.wait(PATIENCE_S)
            finally:
                process.kill()
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(["trainer", *arguments], code, *texts)

    def _process(
        self, arguments: Sequence[str], environ: Mapping[str, str], out: IO[bytes], err: IO[bytes]
    ) -> subprocess.Popen[bytes] | Forked:
        if self._zygote is not None:
            return self._zygote.fork(arguments, environ, out, err, NICENESS)
        return subprocess.Popen([*NICE, sys.executable, "-m", *arguments], cwd=ROOT, env=environ, stdout=out, stderr=err)

    def await_state(self, generation: str, *states: str) -> str:
        def reached() -> str | None:
            state = self.generations.state(generation)
            return state if state in states else None

        return await_that(reached, lambda: f"generation {generation} is {' or '.join(states)}; logs:\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.redis.close()
