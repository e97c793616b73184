"""`sentinel://[user:password@]host[:port],host[:port]/service[/db]`: the Redis that Sentinels name.

User and password are those of the servers; those of the Sentinels come as `?sentinel_username=` and `?sentinel_password=`. `?ssl=true` and
its kin (`ssl_ca_certs=/path`, `ssl_certfile=`, `ssl_check_hostname=`, ...) count for servers and Sentinels; `?sentinel_ssl=false`, and the
same of each of them, for the Sentinels alone.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis
from redis.sentinel import Sentinel

from contract.errors import SettingsError

SCHEME = "sentinel://"
PORT = 26379
OF_SENTINELS = "sentinel_"
_SWITCHES = ("ssl", "ssl_check_hostname", "ssl_validate_ocsp", "ssl_validate_ocsp_stapled")
_VERSIONS = "ssl_min_version"


def connect(url: str, **options: Any) -> Redis:
    """A client of the service's master, which each new connection asks the Sentinels for. Raises ValueError for another URL, SettingsError
    for its options."""
    hosts, service, db = _parse(url)
    login = urlsplit(url).netloc.rpartition("@")[0]
    user, _, password = login.partition(":")
    tls, own = _query(url)
    timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
    sentinel = Sentinel(hosts, sentinel_kwargs={**timeouts, **_consistent(own)}, **options)  # type: ignore[no-untyped-call]
    login_of = {"username": unquote(user) or None, "password": unquote(password) or None}
    found: Redis = sentinel.master_for(service, db=db, **login_of, **_consistent(tls))  # type: ignore[no-untyped-call]
    return found


def _query(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What counts for connections to the servers, and for those to the Sentinels."""
    given = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    tls = {name: _value(name, value) for name, value in given.items() if name.startswith("ssl")}
    own = {name.removeprefix(OF_SENTINELS): value for name, value in given.items() if name not in tls}
    return tls, {**tls, **{name: _value(name, value) for name, value in own.items()}}


def _value(name: str, text: str) -> Any:
    if name in _SWITCHES:
        if text.lower() not in ("true", "false"):
            raise SettingsError(f"{name}={text[:20]!r}: expected true or false")
        return text.lower() == "true"
    if name == _VERSIONS:
        try:
            return ssl.TLSVersion[text]
        except KeyError:
            raise SettingsError(f"{name}={text[:20]!r}: expected one of {', '.join(version.name for version in ssl.TLSVersion)}") from None
    return text


def _consistent(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only a connection with TLS takes, where there is none."""
    return {name: value for name, value in options.items() if options.get("ssl") or not name.startswith("ssl")}


def _parse(url: str) -> tuple[list[tuple[str, int]], str, int]:
    """Sentinels, service and database."""
    parts = urlsplit(url)
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        host = urlsplit(f"//{text}")
        if not host.hostname or host.port == 0:
            raise ValueError(f"{text!r} is no host:port")
        hosts.append((host.hostname, host.port or PORT))
    service, _, db = parts.path.strip("/").partition("/")
    return hosts, service, int(db or 0)
