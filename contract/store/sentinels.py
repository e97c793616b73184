"""`sentinel://[user:password@]host[:port],host[:port]/service[/db]`: the Redis that Sentinels name.

User and password are those of the servers; those of the Sentinels come as `?sentinel_username=` and `?sentinel_password=`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis
from redis.sentinel import Sentinel

SCHEME = "sentinel://"
PORT = 26379


def connect(url: str, **options: Any) -> Redis:
    """A client of the service's master, which each new connection asks the Sentinels for. Raises ValueError for another URL."""
    hosts, service, db = _parse(url)
    login, query = urlsplit(url).netloc.rpartition("@")[0], parse_qs(urlsplit(url).query)
    user, _, password = login.partition(":")
    own = {name.removeprefix("sentinel_"): values[0] for name, values in query.items()}
    timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
    sentinel = Sentinel(hosts, sentinel_kwargs={**timeouts, **own}, **options)  # type: ignore[no-untyped-call]
    login_of = {"username": unquote(user) or None, "password": unquote(password) or None}
    found: Redis = sentinel.master_for(service, db=db, **login_of)  # type: ignore[no-untyped-call]
    return found


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
