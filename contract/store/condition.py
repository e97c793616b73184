"""What a Redis says of itself that costs lists or writes: it deletes keys when it is full, or its disk takes no more.

Lists that are deleted look like users who never were, and no error says so. A Redis that can't write to its disk answers reads, and refuses
every write until it can: it tries again each second by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

KEEPS = "noeviction"
MAKE_ROOM = "make room on the disk of Redis, or move its folder; it takes writes again by itself. Lists are served meanwhile"
HOW = "set maxmemory-policy noeviction in its configuration (`redis-cli config set maxmemory-policy noeviction` until its next start)"
WRITES: Final = {
    "aof_last_write_status": "its append-only file can't be written",
    "aof_last_bgrewrite_status": "its append-only file can't be rewritten, and grows",
    "rdb_last_bgsave_status": "its snapshot can't be written",
}
"""Fields of INFO persistence that say `ok`, and what it means where one does not."""


def evicting_policy(memory: Mapping[str, Any]) -> str:
    """The maxmemory-policy by which a server deletes keys, of what INFO memory says; "" where it deletes none, or does not tell."""
    policy = str(memory.get("maxmemory_policy") or KEEPS)
    return "" if policy == KEEPS else policy


def memory_of(redis: Redis) -> dict[str, Any]:
    """What INFO memory says; empty where the server does not let this client look, as some managed ones do."""
    return _told(redis, "memory")


def disk_trouble(persistence: Mapping[str, Any]) -> str:
    """What a server could not write to its disk, of what INFO persistence says; "" where it could, writes nothing, or does not tell.

    For the first and the last the server refuses writes, unless it is told otherwise.
    """
    failed = [what for name, what in WRITES.items() if str(persistence.get(name, "ok")) != "ok"]
    return " and ".join(failed)


def persistence_of(redis: Redis) -> dict[str, Any]:
    """What INFO persistence says; empty where the server does not let this client look."""
    return _told(redis, "persistence")


def _told(redis: Redis, section: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = redis.info(section)
    except ResponseError:
        return {}
    return found
