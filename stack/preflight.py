"""What must be true before anything starts. Each failure is one line that says what to do."""

from __future__ import annotations

import errno
import shutil
import socket
import sys
from pathlib import Path

from api.http.api_keys import ApiKeys
from contract.errors import LarderError, SettingsError
from contract.settings.settings import Settings
from contract.store.connections import connect, explained
from stack.paths import StackPaths
from stack.supervision.processes import holder_of

MIN_FREE_BYTES = 500 * 2**20
PYTHONS = ((3, 11), (3, 14))  # the oldest and the newest


def check(places: StackPaths, settings: Settings, *, is_free: bool = True) -> None:
    """Raise the first reason why the stack can't start here. Makes nothing. `is_free`: whether nothing of this stack holds the port."""
    check_python(sys.version_info[:2])
    if settings.tenants or settings.tenant:
        raise SettingsError("`make up` runs one catalogue: docs/tenants.md says how several are run, so take LARDER_TENANTS away")
    ApiKeys.of(settings)  # keys that are too short, files of keys that can't be read
    folder = next(folder for folder in (places.var, *places.var.parents) if folder.is_dir())
    check_disk(folder, shutil.disk_usage(folder).free)
    if is_free:
        check_port(settings.api_host, settings.api_port)
    if settings.redis_url != places.redis_url:
        answers(settings.redis_url)
    if settings.rq_url != settings.redis_url:
        answers(settings.rq_url)


def check_python(version: tuple[int, ...]) -> None:
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        running = ".".join(map(str, version))
        raise LarderError(f"this is Python {running}, and Larder needs 3.11 to 3.14: install one, remove .venv, then run `make up` again")


def check_disk(folder: Path, free_bytes: int) -> None:
    if free_bytes < MIN_FREE_BYTES:
        raise LarderError(
            f"{folder} has {free_bytes / 2**20:.0f} MB free, and Larder needs {MIN_FREE_BYTES / 2**20:.0f}: "
            "free some, or name a folder on another disk: larder --var FOLDER up"
        )


def check_port(host: str, port: int) -> None:
    """Raise SettingsError when the API could not listen on `host`:`port`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does: a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
            return
        except OSError as error:
            number, reason = error.errno, error.strerror or str(error)
    if number == errno.EADDRINUSE:
        holder = holder_of(port)
        by = f" by {holder}" if holder else ""
        raise SettingsError(
            f"port {port} is taken{by}: free it, or choose another, as in `make up LARDER_API_PORT={_free_port(host, port)}`"
        )
    if number == errno.EACCES:
        raise SettingsError(f"port {port} is for the administrator alone: choose one above 1023, as in `make up LARDER_API_PORT=5000`")
    raise SettingsError(f"the API can't listen on {host}, port {port}: {reason}; set LARDER_API_HOST to an address of this machine")


def answers(url: str) -> None:
    """Raise StoreError when the Redis that the user named is not there."""
    with explained(url), connect(url, timeout_s=3, retries=1) as redis:
        redis.ping()


def _free_port(host: str, port: int) -> int:
    """The next port that nobody holds."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port + 1, 65536):
        with socket.socket(family) as probe:
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return 5001
