"""A MariaDB of the tests' own, on a Unix socket in a folder that is removed with it. Its only account is `root`, without a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest

from tests.support.tools import missing

START_TIMEOUT_S = 60


class MariadbServer:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="larder-my-", dir="/tmp"))  # a short path: a socket's may have 107 bytes
        self.socket = self._folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        owner = ["--user=root"] if os.geteuid() == 0 else []
        common = ["--no-defaults", f"--datadir={self._folder}/data", *owner]
        made = subprocess.run(
            ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"], capture_output=True, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr
        options = [f"--socket={self.socket}", f"--pid-file={self._folder}/pid", "--skip-networking", "--innodb-flush-log-at-trx-commit=0"]
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(["mariadbd", *common, *options], stdout=log, stderr=log)
        until = time.monotonic() + START_TIMEOUT_S
        while not self.socket.exists():  # it listens from then on
            running = self._process.poll() is None and time.monotonic() < until
            assert running, (self._folder / "log").read_text()
            time.sleep(0.1)

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)

    def remove(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A server that lives as long as the test session. Where none is installed the tests are skipped; in CI they fail."""
    if not all(map(shutil.which, ("mariadbd", "mariadb-install-db"))):
        missing("MariaDB's server is not installed: apt-get install mariadb-server")
    server = MariadbServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def mariadb_url(mariadb_server: MariadbServer) -> str:
    """The address, as people write it, of an empty database."""
    name = f"db_{uuid4().hex[:12]}"
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    return f"mysql://root@localhost/{name}?unix_socket={mariadb_server.socket}"
