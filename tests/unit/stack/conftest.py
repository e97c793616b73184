from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.paths import StackPaths
from stack.supervision.supervisor_client import Process, Supervisor
from tests.support.paths import ROOT


class FakeSupervisor(Supervisor):
    """Answers with the processes that the test has put down; `started` and `stopped` say what was asked of it."""

    def __init__(self, places: StackPaths) -> None:
        super().__init__(places)
        self.seen: list[Process] = []
        self.started: list[str] = []
        self.stopped: list[str] = []

    def runs(self) -> bool:
        return bool(self.seen)

    def processes(self) -> list[Process]:
        return self.seen

    def start(self, name: str) -> None:
        self.started.append(name)

    def stop(self, name: str, wait: bool = False) -> None:  # noqa: ARG002 (the signature of what it stands for)
        self.stopped.append(name)


@pytest.fixture(autouse=True)
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the folders of sockets, which a test's own folder is too deep for, out of /tmp: nothing here opens a socket."""
    monkeypatch.setattr("stack.paths.SHORT", tmp_path)


@pytest.fixture
def places(tmp_path: Path) -> StackPaths:
    return StackPaths(ROOT, tmp_path / "var")


@pytest.fixture
def prepared(places: StackPaths) -> StackPaths:
    places.prepare()
    return places


@pytest.fixture
def supervisor(prepared: StackPaths) -> FakeSupervisor:
    return FakeSupervisor(prepared)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a shell script of the given name and body into a folder of its own; its path."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write
