"""A Redis of the tests' own: started on a Unix socket, so that no port can be taken."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

from stack.redis_server import candidates, find_redis_server

START_TIMEOUT_S = 30.0


class RedisServer:
    """`start` and `stop` may be called in turn; data live as long as a process, or longer with `appendonly="yes"`."""

    def __init__(self, **options: str) -> None:
        """`options` are redis-server's own, with _ for -."""
        self._options = {name.replace("_", "-"): value for name, value in options.items()}
        self._folder = Path(tempfile.mkdtemp(prefix="larder-redis-"))  # a short path: a socket's may have 107 bytes
        self._socket = self._folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def url(self) -> str:
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once it answers. Raises StoreError where there is no server: a test without one fails, it is not skipped."""
        server = find_redis_server(candidates()).path
        options = {"port": "0", "unixsocket": str(self._socket), "dir": str(self._folder), "save": "", "maxmemory-policy": "noeviction"}
        options |= self._options
        arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
        with open(self._folder / "log", "ab") as log:
            # With Python's own SIGXFSZ, which is ignored: a write beyond the limit of `fill_disk` is an error then.
            self._process = subprocess.Popen([server, *arguments], stdout=log, stderr=log, restore_signals=False)
        deadline = time.monotonic() + START_TIMEOUT_S
        with Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except RedisError as error:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise AssertionError((self._folder / "log").read_text()) from error
                time.sleep(0.02)

    def fill_disk(self, room: int = 0) -> None:
        """Let no file of it grow by more than `room` bytes beyond what the longest has: it finds "No space left on device"."""
        longest = max(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        _, most = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (longest + room, most))

    def make_room(self) -> None:
        _, most = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (most, most))

    def append_only_bytes(self) -> int:
        """Size of the append-only file, which Redis rewrites by itself when it has doubled."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if "appendonly" in str(path) and path.is_file())

    def append_only_files(self, pattern: str) -> list[Path]:
        return sorted(self._folder.rglob(pattern))

    def rewritten_bytes(self, client: Redis) -> int:
        """Its size once it has just been rewritten: what the data need."""
        client.bgrewriteaof()
        deadline = time.monotonic() + START_TIMEOUT_S
        while client.info("persistence")["aof_rewrite_in_progress"] or client.info("persistence")["aof_rewrite_scheduled"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.append_only_bytes()

    def stop_gently(self) -> None:
        """As a container's stop does: what is in memory goes to the disk first."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
