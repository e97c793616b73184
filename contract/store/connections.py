"""Connections to the two roles of Redis: the store (lists) and the queue (RQ). Made in a composition root, then passed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ExecAbortError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from contract.errors import SettingsError, StoreError, StoreFullError
from contract.settings.settings import hide_password
from contract.store import sentinels
from contract.store.cluster.address import is_cluster
from contract.store.cluster.client import ClusterRedis
from contract.store.condition import MAKE_ROOM

LOOK_S = 2.0
DISK_FAILS = f"it can't write to its disk (its log says why): {MAKE_ROOM}"


def connect(url: str, *, timeout_s: float = 5.0, retries: int = 3, **more: Any) -> Redis:
    """A client of `url` that answers bytes; a command that meets a dead connection is tried again `retries` times with backoff.

    `more`: options of redis-py's connections. Raises SettingsError for an address that can't be one.
    """
    options: dict[str, Any] = {
        "health_check_interval": 0,  # a server whose disk is full refuses PING, and not reads; what is dead is met by the retry
        **more,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(timeout_s, 2.0),
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), retries),
    }
    try:
        if is_cluster(url):
            del options["retry"]
            return ClusterRedis(url, retries=retries, socket_keepalive=True, **options)
        if url.startswith("unix://"):  # whose connection refuses socket_keepalive
            return Redis.from_url(url, **options)
        make = sentinels.connect if url.startswith(sentinels.SCHEME) else Redis.from_url
        return make(url, socket_keepalive=True, **options)
    except ValueError:  # which may quote a part of the password
        raise SettingsError(
            f"{hide_password(url)} can't be the address of a Redis: what a password has besides letters and digits is to be quoted, "
            "as %2F for /"
        ) from None


def ask_first(url: str) -> None:
    """Raises StoreError within seconds where a server does not answer, where a client tries for a minute. Of a cluster nothing is asked."""
    if not is_cluster(url):
        with explained(url), closing(connect(url, timeout_s=LOOK_S, retries=0)) as redis:
            try:
                redis.ping()
            except ResponseError as error:
                if not says_disk(error):  # which is an answer, too: reads are possible
                    raise


def says_full(error: RedisError) -> bool:
    """Whether a command, or a whole transaction at its end, was refused because there is no memory for it."""
    return isinstance(error, OutOfMemoryError) or (isinstance(error, ExecAbortError) and " OOM " in str(error))


def says_disk(error: RedisError) -> bool:
    """Whether a command, or a transaction, was refused because the server can't write to its disk."""
    return "MISCONF " in str(error)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns redis-py's errors into one sentence that says which server and what to do."""
    try:
        yield
    except RedisError as error:
        if says_full(error):
            raise StoreFullError(
                f"Redis at {hide_password(url)} is full: raise maxmemory or lower LARDER_DEPTH or LARDER_KEEP_GENERATIONS"
            ) from error
        if says_disk(error):
            raise StoreError(f"Redis at {hide_password(url)} refuses writes: {DISK_FAILS}") from error
        raise StoreError(
            f"Redis at {hide_password(url)} does not answer as it should: {error}; is it up, and is LARDER_REDIS_URL right?"
        ) from error
