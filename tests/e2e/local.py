"""The stack without Docker as a person handles it: `larder` in a process of its own, requests over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from engine import kernel_cache
from stack.paths import StackPaths
from tests.e2e.compose import free_port
from tests.support.paths import ROOT

UP_TIMEOUT_S = 300
ASK_TIMEOUT_S = 30


def kept_kernels() -> Path:
    """The tests' own cache of compiled kernels, for a stack whose subject is not the first `make up`."""
    return Path(os.environ[kernel_cache.VARIABLE])


@dataclass
class LocalStack:
    """A stack with a folder and a port of its own; `root` is the checkout that it runs from."""

    var: Path
    numba_cache: Path
    port: int = field(default_factory=free_port)
    root: Path = ROOT

    @property
    def places(self) -> StackPaths:
        return StackPaths(self.root, self.var)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **settings: str) -> dict[str, str]:
        """Whatever LARDER_ variables this shell has are not the stack's. A machine that tests keep busy answers late, not with a 503."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
        return {**own, "LARDER_API_PORT": str(self.port), "LARDER_API_QUEUE_S": "10", "NUMBA_CACHE_DIR": str(self.numba_cache), **settings}

    def spawn(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "stack", "--var", str(self.var), *arguments]
        pipe, both, environ = subprocess.PIPE, subprocess.STDOUT, self.environment(**settings)
        return subprocess.Popen(command, cwd=self.root, env=environ, text=True, stdout=pipe, stderr=both)

    def run(self, *arguments: str, expect: int = 0, **settings: str) -> str:
        """What the command printed; its exit code must be `expect`."""
        with self.spawn(*arguments, **settings) as process:
            output, _ = process.communicate(timeout=UP_TIMEOUT_S)
        assert process.returncode == expect, f"{' '.join(arguments)} ended with {process.returncode}\n{output}"
        return output

    def ask(self, user: int, **fields: object) -> requests.Response:
        return requests.post(f"{self.url}/recommendations", json={"user_id": user, **fields}, timeout=ASK_TIMEOUT_S)

    def generation(self) -> str:
        answer = requests.get(f"{self.url}/health/ready", timeout=ASK_TIMEOUT_S)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["generation"])

    def family(self) -> list[psutil.Process]:
        """supervisord and all that descends from it."""
        daemon = psutil.Process(int(self.places.supervisor_pid.read_text()))
        return [daemon, *daemon.children(recursive=True)]

    def processes(self, part: str) -> list[psutil.Process]:
        """Those whose command line says `-m part`."""
        return [process for process in self.family() if ["-m", part] == words_of(process)[1:3]]


def words_of(process: psutil.Process) -> list[str]:
    """The command line; nothing for a process that has ended."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and words_of(process)]


def mentioning(text: str) -> list[psutil.Process]:
    """Processes that have `text` on their command line or in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if text in " ".join([*words_of(process), *process.environ().values()]):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in living(found) if process.pid != os.getpid()]
