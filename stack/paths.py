"""Where the local stack keeps what it makes: all of it under one folder, `var/` unless told otherwise.

var/redis         append-only file of Redis        var/log          one log per process, rotated
var/artifacts     one folder per generation        var/run          configuration, sockets, process ids
var/numba-cache   compiled kernels, in a folder for each version of their sources
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from zlib import crc32

from contract.errors import SettingsError

# The kernel cuts socket paths at 108 bytes on Linux and 104 on macOS, and supervisor appends its process id while it binds.
SOCKET_PATH_LIMIT = 90
SHORT = Path("/tmp")  # noqa: S108 (not TMPDIR, which differs between shells; prepare() makes sure that our folder in it is ours)
# Redis names a client by its socket's path in CLIENT INFO, and redis-py, which RQ asks for it, trips over a space or "=" in it.
_PLAIN = re.compile(r"[A-Za-z0-9_./+@~-]+")


@dataclass(frozen=True, slots=True)
class StackPaths:
    """`root` is the checkout, `var` the folder of data; both absolute."""

    root: Path
    var: Path

    @property
    def manual(self) -> Path:
        """What `make docs-site` makes."""
        return self.root / "site"

    @property
    def redis(self) -> Path:
        return self.var / "redis"

    @property
    def artifacts(self) -> Path:
        return self.var / "artifacts"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def numba_cache(self) -> Path:
        return self.var / "numba-cache"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that `clean` removes."""
        return (self.redis, self.artifacts, self.log, self.run, self.numba_cache)

    @property
    def sockets(self) -> Path:
        """`var/run`, or a private folder with a short and plain name where a socket's path would be too long or too odd."""
        path = str(self.run / "supervisor.sock")
        if len(path) <= SOCKET_PATH_LIMIT and _PLAIN.fullmatch(path):
            return self.run
        return SHORT / f"larder-{os.getuid()}-{crc32(os.fsencode(self.var)):08x}"

    @property
    def supervisor_socket(self) -> Path:
        return self.sockets / "supervisor.sock"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.redis_socket))}?db=0"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def redis_config(self) -> Path:
        return self.run / "redis.conf"

    @property
    def environment(self) -> Path:
        return self.run / "environment.json"

    @property
    def erasure_secret(self) -> Path:
        return self.run / "erasure-secret"

    def log_of(self, process: str) -> Path:
        return self.log / f"{process}.log"

    def prepare(self) -> None:
        """Make the folders, for this user alone."""
        try:
            for folder in self.folders:
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)  # lists, ids of users, paths: also what an earlier version made
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            if self.sockets.is_symlink() or self.sockets.stat().st_uid != os.getuid():
                raise SettingsError(f"{self.sockets} belongs to somebody else; put Larder into a folder with a shorter path")
            self.sockets.chmod(0o700)
        except OSError as error:
            raise SettingsError(f"can't make {error.filename}: {error.strerror}; choose another folder with --var") from error
