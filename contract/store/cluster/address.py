"""`cluster://[user:password@]host[:port],host[:port][?ssl=true&ssl_ca_certs=/path]`: servers of a Redis Cluster, which name the others.

User and password are those of every server, and so are `ssl` and its kin.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.crc import key_slot

SCHEME = "cluster://"
PORT = 6379
N_SLOTS = 16_384
CONTROL_SLOT = key_slot(b"{ctl}")  # of the control keys of every namespace (contract/formats/keys.py)
_KEY_AT = {"EVAL": 3, "EVALSHA": 3, "OBJECT": 2, "MEMORY": 2, "XINFO": 2, "XGROUP": 2}
_KEYLESS = frozenset(("INFO", "TIME", "PING", "CONFIG", "SCRIPT", "SCAN", "WAIT", "CLUSTER", "DBSIZE", "FLUSHALL", "ECHO", "ACL"))


class Node(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Address(NamedTuple):
    """`login`: as the URL has it, with its @; `tls`: whether servers speak TLS, and with which options."""

    seeds: tuple[Node, ...]
    login: str
    tls: dict[str, str] | None

    def url_of(self, node: Node) -> str:
        """The address of one server."""
        host = f"[{node.host}]" if ":" in node.host else node.host
        if self.tls is None:
            return f"redis://{self.login}{host}:{node.port}"
        return f"rediss://{self.login}{host}:{node.port}" + (f"?{urlencode(self.tls)}" if self.tls else "")


def is_cluster(url: str) -> bool:
    return url.startswith(SCHEME)


def parse(url: str) -> Address:
    """Raises ValueError for what is not such an address."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    seeds = []
    for text in hosts.split(","):
        host = urlsplit(f"//{text}")
        if not host.hostname or host.port == 0:
            raise ValueError(f"{text[:80]!r} is not host:port")
        seeds.append(Node(host.hostname, host.port or PORT))
    if parts.path.strip("/") or parts.fragment:
        raise ValueError("a cluster has one database, which has no number")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    ssl = given.pop("ssl", "false").lower()
    if ssl not in ("true", "false") or any(not name.startswith("ssl_") for name in given):
        raise ValueError("after ? expected ssl=true, and ssl_ca_certs=/path and its kin")
    return Address(tuple(seeds), login + at, given if ssl == "true" else None)


def is_valid(url: str) -> bool:
    try:
        parse(url)
    except ValueError:
        return False
    return True


def slot_of(command: tuple[object, ...]) -> int | None:
    """The slot of a command's first key, in which all its keys lie; None for a command that has none."""
    key = key_of(command)
    return None if key is None else key_slot(key.encode())


def key_of(command: tuple[object, ...]) -> str | None:
    """The first key of a command; None where it has none."""
    name = str(command[0])
    at = _KEY_AT.get(name, 1)
    if len(command) <= at or name.partition(" ")[0] in _KEYLESS:
        return None
    key = command[at]
    return key.decode() if isinstance(key, bytes) else str(key)


def tag_of(key: str) -> str:
    """What between braces lies in the slot of `key`. Keys with empty braces have none, and nobody writes such keys."""
    begin = key.find("{")
    end = key.find("}", begin + 1)
    return key[begin + 1 : end] if 0 <= begin < end else key
