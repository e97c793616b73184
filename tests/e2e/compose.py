"""The compose stack as a person handles it: `docker compose` in a process of its own, requests over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import requests

from tests.support.paths import ROOT

T = TypeVar("T")
UP_TIMEOUT_S = 780  # images are built from nothing
PATIENCE_S = 150
ASK_TIMEOUT_S = 30
POLL_S = 0.1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, look: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
    """The first answer of `look` that counts as true; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:.0f} s"
        time.sleep(POLL_S)


@dataclass
class Compose:
    """One project of docker-compose.yml. `settings` are environment variables, LARDER_ and others, of the stack."""

    project: str
    port: int
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """Whatever LARDER_ variables this shell has are not the stack's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
        return {**own, "COMPOSE_PROJECT_NAME": self.project, "LARDER_API_PORT": str(self.port), **self.settings}

    def run(self, *command: str, timeout_s: float = PATIENCE_S) -> str:
        """Standard output of a command that must end with 0."""
        ran = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False)
        assert ran.returncode == 0, f"{' '.join(command)} ended with {ran.returncode}\n{ran.stdout[-4000:]}\n{ran.stderr[-8000:]}"
        return ran.stdout

    def compose(self, *arguments: str, timeout_s: float = PATIENCE_S) -> str:
        return self.run("docker", "compose", *arguments, timeout_s=timeout_s)

    def up(self, *options: str) -> None:
        self.compose("up", "-d", "--wait", *options, timeout_s=UP_TIMEOUT_S)

    def down(self) -> None:
        self.compose("down", "--volumes", "--rmi", "local", "--remove-orphans")

    def stack(self, *arguments: str) -> str:
        """What `make` calls for a stack that runs."""
        return self.run(sys.executable, "-m", "stack", *arguments)

    def trainer(self, *arguments: str) -> str:
        return self.compose("exec", "-T", "trainer", "larder", *arguments)

    def redis(self, *arguments: str) -> str:
        return self.compose("exec", "-T", "redis", "redis-cli", *arguments).strip()

    def containers(self, service: str | None = None) -> list[str]:
        """Ids of containers, stopped ones included."""
        return self.compose("ps", "--all", "--quiet", *([service] if service else [])).split()

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("docker", "inspect", *names))
        return found

    def leftovers(self) -> dict[str, str]:
        """Everything with this project's label, by kind."""
        label = f"label=com.docker.compose.project={self.project}"
        commands = {"container": ("ps", "--all"), "volume": ("volume", "ls"), "network": ("network", "ls"), "image": ("image", "ls")}
        return {kind: self.run("docker", *command, "--quiet", "--filter", label) for kind, command in commands.items()}

    def ask(self, user_id: object, **more: object) -> requests.Response:
        return requests.post(f"{self.url}/recommendations", json={"user_id": user_id, **more}, timeout=ASK_TIMEOUT_S)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def generation(self) -> str:
        """What is promoted; lists follow within half a second."""
        answer = requests.get(f"{self.url}/generations/current", timeout=ASK_TIMEOUT_S)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["generation"])

    @contextmanager
    def client(self, user_id: int) -> Iterator[Client]:
        """Someone who asks for `user_id` again and again while the block runs, and remembers each answer."""
        with Client(self, user_id) as client:
            yield client


@dataclass
class Client:
    stack: Compose
    user_id: int
    generations: list[str] = field(default_factory=list)  # in the order of their first appearance
    failures: list[str] = field(default_factory=list)
    n_answers: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.01):
            try:
                answer = self.stack.ask(self.user_id)
                self.n_answers += 1
                if answer.status_code == 200:
                    generation = answer.json()["generation"]
                    if generation not in self.generations:
                        self.generations.append(generation)
                else:
                    self.failures.append(f"{answer.status_code} {answer.text}")
            except (requests.RequestException, ValueError, KeyError) as error:
                self.failures.append(repr(error))
