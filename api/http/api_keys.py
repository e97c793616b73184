"""Keys that open the API, if any are set: some to read, some to change what is served, too, and some to send events and nothing else."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import scrypt, sha256
from pathlib import Path
from typing import Any

from flask import request

from api.http.named_keys import Buckets, NamedKey, NamedKeys, digest_of, is_among, key_in
from api.http.problems import RequestError
from api.http.request_ids import KEY_NAME, REQUEST_ID
from api.http.route import ROUTE, Access
from contract.errors import SettingsError
from contract.settings.settings import PREFIX, Settings

MIN_KEY_LENGTH = 16


class ApiKeys:
    """Compares in constant time, digests of equal length, with every key: nothing of a key shows in how long an answer takes."""

    def __init__(
        self,
        read_keys: Iterable[str],
        admin_keys: Iterable[str],
        write_keys: Iterable[str] = (),
        named: NamedKeys | None = None,
        n_processes: int = 1,
    ) -> None:
        self._admin = [sha256(key.encode()).digest() for key in admin_keys]
        self._read = [sha256(key.encode()).digest() for key in read_keys] + self._admin
        self._write = [sha256(key.encode()).digest() for key in write_keys]
        # Keys for reading that came: a set compares texts only whose hashes are equal, so that it tells nothing of others, either.
        self._met: set[str] = set()
        self._named = named
        self._buckets = Buckets(n_processes)
        self.count: Callable[[str, str], object] = lambda _name, _outcome: None  # called for each request with a named key
        has_named = any(key.access == "read" for key in self._all_named())
        self._is_open = len(self._read) == len(self._admin) and not has_named  # without read keys everybody may read

    @classmethod
    def of(cls, settings: Settings) -> ApiKeys:
        """Raises SettingsError, without the value, for keys that are too short or a file that can't be read."""
        read, admin, write = (keys_of(settings, name) for name in ("api_read_keys", "api_admin_keys", "api_write_keys"))
        named = NamedKeys(settings.api_keys_file) if settings.api_keys_file else None
        return cls(read, admin, write, named, settings.api_workers)

    def check(self, access: Access) -> Callable[[], None] | None:
        """What to call before a route of this access, if anything."""
        if access == "admin":
            return self._check_admin
        if access == "write":
            return self._check_write
        return None if access == "open" or self._is_open else self._check_read

    def access_of(self, key: str) -> Access:
        """The most that `key` opens: "admin", "read", or, if it is not known, only what is open to everybody."""
        is_admin, may_read = is_among(key, self._admin), is_among(key, self._read)
        if is_admin or may_read:
            return "admin" if is_admin else "read"
        named = self._named.find(key) if self._named else None
        return named.access if named and not named.routes and named.access != "write" else "open"

    def mark_of(self, key: str) -> str:
        """What a session remembers of a named key, so that it ends with that; "" for another key."""
        return _mark(digest_of(key)) if self._named and self._named.find(key) else ""

    def name_of(self, mark: str) -> str:
        """The name of the key with this mark; "" once it is no more."""
        return next((key.name for key in self._all_named() if _mark(key.digest) == mark), "")

    def _all_named(self) -> Iterable[NamedKey]:
        return self._named.all().values() if self._named else ()

    def given_access(self) -> Access:
        """The most that the key in the current request's headers opens."""
        return self.access_of(given_key())

    @property
    def is_open(self) -> bool:
        """Whether everybody may read."""
        return self._is_open

    @property
    def has_admin_keys(self) -> bool:
        return bool(self._admin) or any(key.access == "admin" for key in self._all_named())

    def secret(self, purpose: str) -> bytes:
        """The same wherever the same keys are set; random where there are none.

        Slow to derive, once a process: who has a key for reading, and so sees what the secret signs, must not find the others by trying.
        """
        known = sorted([*self._read, *(key.digest for key in self._all_named())])
        if not known:
            return secrets.token_bytes(32)
        return scrypt(b"".join(known), salt=purpose.encode(), n=2**14, r=8, p=1, dklen=32)

    def reader(self, environ: Mapping[str, Any], route: str) -> NamedKey | bool | None:
        """Whether the key in `environ` may read `route`: None if not; a named key has to be let in yet, which counts."""
        if self._is_open:
            return True
        given = key_in(environ)
        if given in self._met or is_among(given, self._read):
            self._met.add(given)
            return True
        key = self._named.find(given) if self._named else None
        return key if key is not None and key.opens("read", route) else None

    def lets_in(self, key: NamedKey, environ: dict[str, Any]) -> bool:
        """Count a request that the key may send; False for one too many, which counts for nothing yet."""
        if self._buckets.wait_s(key):
            return False
        environ[KEY_NAME] = key.name
        self.count(key.name, "allowed")
        return True

    def _check_read(self) -> None:
        if not is_among(given_key(), self._read) and not self._admits_named("read"):
            raise _unauthorized()

    def _admits_named(self, access: Access) -> bool:
        """Whether the request has a named key; raises RequestError for one that does not open the route, or has sent too many."""
        key = self._named.find(given_key()) if self._named else None
        if key is None:
            return False
        request.environ[KEY_NAME] = key.name
        if not key.opens(access, request.environ.get(ROUTE, "")):
            self.count(key.name, "refused")
            raise RequestError(f"The key {key.name} does not open this route.", 403, "Forbidden")
        if wait_s := self._buckets.wait_s(key):
            self.count(key.name, "limited")
            detail = f"The key {key.name} may send {key.rate:g} requests a second."
            raise RequestError(detail, 429, "Too many requests", {"Retry-After": str(math.ceil(wait_s))})
        self.count(key.name, "allowed")
        return True

    def _check_write(self) -> None:
        if self._admits_named("write"):
            return
        if not self._write:
            raise RequestError(f"No key for events is set: set {PREFIX}API_WRITE_KEYS, or {PREFIX}API_WRITE_KEYS_FILE.", 403, "Forbidden")
        given = given_key()
        if is_among(given, self._write):
            return
        if self.access_of(given) != "open":
            raise RequestError("This route needs a key for events; the one sent is for something else.", 403, "Forbidden")
        raise _unauthorized()

    def _check_admin(self) -> None:
        if self._admits_named("admin"):
            return
        if not self.has_admin_keys:
            raise RequestError(f"No admin key is set: set {PREFIX}API_ADMIN_KEYS, or {PREFIX}API_ADMIN_KEYS_FILE.", 403, "Forbidden")
        given = given_key()
        if is_among(given, self._admin):
            return
        if not self._is_open and is_among(given, self._read):
            raise RequestError("This route needs an admin key; the one sent is for reading.", 403, "Forbidden")
        raise _unauthorized()


def who_asks() -> str:
    """Who sends the current request, for the record of what it changes."""
    name, request_id = request.environ.get(KEY_NAME, ""), request.environ.get(REQUEST_ID, "")
    return f"API, key {name}, request {request_id}" if name else f"API, request {request_id}"


def _mark(digest: bytes) -> str:
    return sha256(digest).hexdigest()[:16]


def _unauthorized() -> RequestError:
    detail = "Send a key that is known as `Authorization: Bearer KEY` or as `X-API-Key: KEY`."
    return RequestError(detail, 401, "Unauthorized", {"WWW-Authenticate": "Bearer"})


def given_key() -> str:
    """The key in the current request's headers, or ""."""
    return key_in(request.environ)


def keys_of(settings: Settings, name: str) -> list[str]:
    """The keys that the setting `name`, and its file, name. Raises SettingsError as ApiKeys.of."""
    text: str = getattr(settings, name).get_secret_value()
    if path := getattr(settings, f"{name}_file"):
        try:
            text = f"{text},{Path(path).read_text(encoding='utf-8')}"
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"{PREFIX}{name.upper()}_FILE={path!r}: can't be read: {reason}") from None
    keys = text.replace("\n", ",").split(",")
    found = [key.strip() for key in keys if key.strip()]
    if any(len(key) < MIN_KEY_LENGTH for key in found):
        raise SettingsError(f"{PREFIX}{name.upper()}: a key has at least {MIN_KEY_LENGTH} characters")
    return found
