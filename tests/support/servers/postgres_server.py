"""A PostgreSQL of the tests' own, on a Unix socket in a folder that is removed with it, so that no port can be taken.

The server refuses to run as root: there it runs as the user `postgres`, or `nobody`. Its only database account is the superuser
`larder`, whom the socket lets in without a password; over TCP, which tests of passwords turn on, it asks for one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwnam
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from tests.support.tools import missing

USER, PASSWORD = "larder", "p@ss/w:rd %41"
START_TIMEOUT_S = 60


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl: that of PATH, else the newest of Debian's; None where there is no server."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


class PostgresServer:
    """`start` makes a fresh cluster; `database` one more database in it, for one test."""

    def __init__(self, bin_folder: Path, *, tcp: bool = False) -> None:
        self._bin = bin_folder
        self._tcp = tcp
        self._folder = Path(tempfile.mkdtemp(prefix="larder-pg-", dir="/tmp"))  # a short path: a socket's may have 107 bytes
        self.port = _free_port() if tcp else 5432
        self._as: list[str] = []
        if os.geteuid() == 0:
            who = next(name for name in ("postgres", "nobody") if _exists(name))
            account = getpwnam(who)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def start(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            "initdb", "--pgdata", "data", "--username", USER, "--pwfile", str(password), "--auth-local=trust", "--auth-host=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",  # its data live no longer than the tests
            "max_wal_size": "1GB",
        }
        flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run("pg_ctl", "start", "--pgdata", "data", "--wait", f"--timeout={START_TIMEOUT_S}", "--log", "log", "--options", flags)

    def database(self) -> str:
        """The URL, as SQLAlchemy takes it, of a new, empty database; it is reached by the socket."""
        name = f"db_{uuid4().hex[:12]}"
        with psycopg.connect(host=str(self._folder), port=self.port, user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://{USER}@/{name}?host={quote(str(self._folder))}&port={self.port}"

    def tcp_url(self, url: str) -> str:
        """The same database by TCP, where a password is asked for; without the password."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{url.split('@/')[1].split('?')[0]}"

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--pgdata", "data", "--mode=immediate", "--wait")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        """Output goes to a file: the server keeps what it inherits, and would hold a pipe open."""
        output = self._folder / f"{program}.out"
        with open(output, "wb") as out:
            done = subprocess.run([*self._as, self._bin / program, *arguments], cwd=self._folder, stdout=out, stderr=out, check=False)
        log = self._folder / "log"
        assert done.returncode == 0, output.read_text() + (log.read_text() if log.exists() else "")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _exists(user: str) -> bool:
    try:
        getpwnam(user)
    except KeyError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that lives as long as the test session. Where none is installed the tests are skipped; in CI they fail."""
    folder = binaries()
    if folder is None:
        missing("PostgreSQL's server is not installed: apt-get install postgresql")
    server = PostgresServer(folder, tcp=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The SQLAlchemy URL of an empty database."""
    return postgres_server.database()
