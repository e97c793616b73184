"""Named keys: a file that holds a digest of each, never a key. It is read again when it has changed: keys come and go without a restart.

    # name   access  SHA-256 of the key            what else
    shop     read    sha256:9f86d081884c7d65...    routes=/recommendations,/popular rate=200
    nightly  admin   sha256:2c26b46b68ffc68f...

A name may stand there twice, while its old key and its new one are both in use.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from api.http.route import Access
from contract.errors import SettingsError
from contract.settings.settings import PREFIX
from contract.watched_file import WatchedFile

LOOK_S = 1.0  # how often the file is looked at
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_RATE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
_ACCESS = ("read", "write", "admin")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NamedKey:
    """`routes`: the only ones that it opens, with all below them; none: all of its access. `rate`: requests a second; 0: any number."""

    name: str
    access: Access
    digest: bytes
    routes: tuple[str, ...] = ()
    rate: float = 0.0

    def opens(self, access: Access, route: str) -> bool:
        is_enough = self.access == access or (access == "read" and self.access == "admin")
        return is_enough and (not self.routes or any(route == one or route.startswith(f"{one}/") for one in self.routes))


class NamedKeys:
    """Threads share it."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(path)
        self._file = WatchedFile(self._path, self._read, LOOK_S, "The keys stay as they were", log, clock)

    def find(self, key: str) -> NamedKey | None:
        return self.all().get(digest_of(key))

    def all(self) -> dict[bytes, NamedKey]:
        """The keys by digest. A file that can't be read now, or has a line that says nothing, changes nothing and is logged."""
        return self._file.now()

    def _read(self, before: dict[bytes, NamedKey] | None) -> dict[bytes, NamedKey]:
        found = read_keys(self._path)
        if before is not None:
            log.info("%d named keys are read", len(found))
        return found


class Buckets:
    """How many requests each name may still send in this process: a second's worth may come at once."""

    def __init__(self, n_processes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._n_processes = n_processes
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # with the time of the last request

    def wait_s(self, key: NamedKey) -> float:
        """0 where the request may go on; else how long the client should wait."""
        if not key.rate:
            return 0.0
        rate, now = key.rate / self._n_processes, self._clock()
        most = max(1.0, rate)
        left, since = self._left.get(key.name, (most, now))
        left = min(most, left + (now - since) * rate)
        self._left[key.name] = (left - 1 if left >= 1 else left, now)
        return 0.0 if left >= 1 else (1 - left) / rate


def digest_of(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


def key_in(environ: Mapping[str, Any]) -> str:
    """The key in a request's headers, or ""."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(token).strip()
    return str(environ.get("HTTP_X_API_KEY", "")).strip()


def is_among(given: str, digests: list[bytes]) -> bool:
    """Looks at each of them: how long it takes says nothing."""
    digest = digest_of(given)
    found = [hmac.compare_digest(digest, known) for known in digests]
    return any(found)


def read_keys(path: Path) -> dict[bytes, NamedKey]:
    """Raises SettingsError that names the line and what was expected, and nothing else of it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{PREFIX}API_KEYS_FILE={str(path)!r}: can't be read: {reason}") from None
    found: dict[bytes, NamedKey] = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            key = _key(words)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}API_KEYS_FILE={str(path)!r}, line {number}: {error}") from None
        if key.digest in found:
            raise SettingsError(f"{PREFIX}API_KEYS_FILE={str(path)!r}, line {number}: the same key stands in a line above")
        found[key.digest] = key
    return found


def _key(words: list[str]) -> NamedKey:
    name, access, digest, *options = [*words, "", "", ""][: max(3, len(words))]
    if not _NAME.fullmatch(name):
        raise ValueError("the name: expected 1 to 64 letters, digits and _.-")
    if access not in _ACCESS:
        raise ValueError(f"the access: expected one of {', '.join(_ACCESS)}")
    hexadecimal = _DIGEST.fullmatch(digest)
    if hexadecimal is None:
        raise ValueError("the digest: expected sha256: and 64 hexadecimal digits, as `printf %s KEY | sha256sum` makes them")
    routes: tuple[str, ...] = ()
    rate = 0.0
    for option in options:
        what, _, value = option.partition("=")
        if what == "routes" and value.startswith("/"):
            routes = tuple(route.rstrip("/").replace("{", "<").replace("}", ">") for route in value.split(","))
        elif what == "rate" and _RATE.fullmatch(value) and float(value) > 0:
            rate = float(value)
        else:
            raise ValueError("behind the digest: expected routes=/path,/path or rate=NUMBER, requests a second")
    return NamedKey(name, cast("Access", access), bytes.fromhex(hexadecimal[1]), routes, rate)
