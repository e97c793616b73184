"""The level of logs, changed while processes run: a key of Redis that all of them look at every few seconds, and that ends by itself."""

from __future__ import annotations

import logging
from typing import cast, get_args

from redis import Redis
from redis.exceptions import RedisError

from contract.formats.keys import Keys
from contract.settings.notices import Level, TelemetrySettings

LOGGERS = ("", "rq.worker", "api", "gunicorn.error")  # "": the root, whose level trainer and workers have
LEVELS: tuple[Level, ...] = get_args(Level)
EVERY_S = 2.0


def ask(redis: Redis, keys: Keys, level: Level, seconds: int) -> None:
    """Let everything log from `level` on, for so many seconds."""
    redis.set(keys.log_level, level, ex=seconds)


def end(redis: Redis, keys: Keys) -> None:
    """Back to what the settings say."""
    redis.delete(keys.log_level)


def asked(redis: Redis, keys: Keys) -> tuple[Level, int] | None:
    """The level that is asked for, and for how many seconds more."""
    found = cast("bytes | None", redis.get(keys.log_level))
    level = next((level for level in LEVELS if found and level.encode() == found), None)
    return (level, max(0, redis.ttl(keys.log_level))) if level else None


def follow(redis: Redis, keys: Keys, settings: TelemetrySettings) -> None:
    """Take over what is asked for, or what the settings say; nothing while Redis does not answer."""
    try:
        found = asked(redis, keys)
    except RedisError:
        return
    level = found[0] if found else settings.log_level
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if name == "" and logging.getLogger("api").handlers:  # the API's own loggers have levels; others there stay at warnings
            continue
        if logger.level and logger.level != logging.getLevelName(level):
            logger.setLevel(level)
