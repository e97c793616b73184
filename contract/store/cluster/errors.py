"""Errors of redis-py's cluster client, as those of one server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError, SlotNotCoveredError
from redis.exceptions import TimeoutError as RedisTimeoutError


@contextmanager
def as_redis_errors(*, quiet: bool = False) -> Iterator[None]:
    """RedisClusterException is not a RedisError: whoever waits for those would not see it. `quiet`: no error at all."""
    try:
        yield
    except RedisClusterException as error:
        if not quiet:
            is_away = isinstance(error, SlotNotCoveredError) or "cannot be connected" in str(error)
            raise (RedisConnectionError if is_away else RedisError)(str(error)) from error
    except (RedisConnectionError, RedisTimeoutError):
        if not quiet:
            raise
