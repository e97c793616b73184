"""Whether a Redis deletes keys when it is full. Lists that are gone look like users who never were, and no error says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

KEEPS = "noeviction"
HOW = "set maxmemory-policy noeviction in its configuration (`redis-cli config set maxmemory-policy noeviction` until its next start)"


def evicting_policy(memory: Mapping[str, Any]) -> str:
    """The maxmemory-policy by which a server deletes keys, of what INFO memory says; "" where it deletes none, or does not tell."""
    policy = str(memory.get("maxmemory_policy") or KEEPS)
    return "" if policy == KEEPS else policy


def memory_of(redis: Redis) -> dict[str, Any]:
    """What INFO memory says; empty where the server does not let this client look, as some managed ones do."""
    try:
        found: dict[str, Any] = redis.info("memory")
    except ResponseError:
        return {}
    return found
