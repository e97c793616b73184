"""The file of tenants, LARDER_TENANTS: one table a tenant. It is read again when it has changed; a broken one changes nothing."""

from __future__ import annotations

import logging
import posixpath
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from contract.errors import SettingsError
from contract.tenants.tenant import TENANT, TENANTS, TableError, Tenant, tenant_of
from contract.watched_file import WatchedFile

log = logging.getLogger("larder.tenants")
LOOK_S = 2.0
_SHOWN = 40


class TenantsFile:
    """Raises SettingsError where the file is broken from the start. Threads share it."""

    def __init__(self, path: str, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._environ = Path(path), dict(environ)
        self._file = WatchedFile(self._path, self._read, LOOK_S, "The tenants stay as they were", log, clock)

    @property
    def problem(self) -> str:
        """Why the file as it is now is not in force; "" where it is."""
        return self._file.problem

    def all(self) -> dict[str, Tenant]:
        """The tenants by name, as the last good file names them. A tenant whose table did not change is the same object."""
        return self._file.now()

    def _read(self, before: dict[str, Tenant] | None) -> dict[str, Tenant]:
        found = read_tenants(self._path, self._environ)
        if before is None:
            return found
        log.info("%d tenants are read", len(found))
        return {name: before[name] if before.get(name) == tenant else tenant for name, tenant in found.items()}


def read_tenants(path: Path, environ: Mapping[str, str]) -> dict[str, Tenant]:
    """In the order of the file. Raises SettingsError that names the line, the tenant, the key, and what was expected."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{TENANTS}={str(path)!r}: can't be read: {reason}") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{TENANTS}={str(path)!r}: it is not TOML: {error}") from None
    if not tables:
        raise SettingsError(f"{TENANTS}={str(path)!r}: it names no tenant: expected a table for each, as in [shop-a]")
    found: dict[str, Tenant] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, table in tables.items():
        try:
            if not isinstance(table, dict):
                raise TableError("", "expected a table for each tenant, as in [shop-a]")
            tenant = tenant_of(name, table, environ)
            for setting in ("namespace", "artifacts"):
                value = place_of(str(getattr(tenant.settings, setting)))
                if other := taken.setdefault((setting, value), name) if taken.get((setting, value), name) != name else "":
                    raise TableError(setting if setting in table else "", f"the tenant {other} has the same {setting}: each needs its own")
                taken[setting, value] = name
        except TableError as error:
            key = f", {error.key[:_SHOWN]}" if error.key else ""
            place = f"line {line_of(text, name, error.key)}, [{name[:_SHOWN]}]{key}"
            raise SettingsError(f"{TENANTS}={str(path)!r}, {place}: {error}") from None
        found[name] = tenant
    return found


def place_of(value: str) -> str:
    """The same for all spellings of one place: what follows "?" only says where copies of it are kept."""
    scheme, mark, path = value.partition("?")[0].partition("://")
    return f"{scheme}{mark}{posixpath.normpath(unquote(path))}" if mark else value


def line_of(text: str, table: str, key: str) -> int:
    """Where `key` of a table stands, or the table's head; as far as one can tell from lines alone."""
    head = re.compile(rf"""\s*(?:\[\s*["']?{re.escape(table)}["']?\s*\]|["']?{re.escape(table)}["']?\s*[.=])""")
    own = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    found = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not found:
            found = number if head.match(line) else 0
        elif key and own.match(line):
            return number
        elif line.lstrip().startswith("["):
            break
    return found or 1


def chosen(environ: Mapping[str, str], name: str = "") -> Tenant | None:
    """The tenant `name`, or the one that LARDER_TENANT names; None where there are no tenants.

    Raises SettingsError for a name that the file does not have, and for none where there must be one.
    """
    wanted, path = name or environ.get(TENANT, ""), environ.get(TENANTS, "")
    if not path:
        if wanted:
            raise SettingsError(f"{TENANT}={wanted[:_SHOWN]!r}: there are no tenants: {TENANTS} names no file")
        return None
    tenants = read_tenants(Path(path), environ)
    known = ", ".join(list(tenants)[:10]) + (" ..." if len(tenants) > 10 else "")
    if not wanted:
        raise SettingsError(f"which tenant? Name it: --tenant NAME, or {TENANT}. {TENANTS} has {known}")
    if wanted not in tenants:
        raise SettingsError(f"{wanted[:_SHOWN]!r} is not a tenant: {TENANTS} has {known}")
    return tenants[wanted]
