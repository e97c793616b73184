"""Keeps requests from queueing behind a Redis that does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract.connections import explained
from contract.errors import StoreError
from contract.settings import hide_password

PAUSE_S = 0.25  # how long nobody asks a server that has just failed
PROBE_S = 2.0  # how long the others wait for the one request that asks it again; longer than any command may take

log = logging.getLogger(__name__)
T = TypeVar("T")


class Breaker:
    """Runs commands of one Redis. After one that got no answer, all fail at once for PAUSE_S; then a single one tries again.

    Without it, a server that swallows packets would hold every thread for the whole timeout, and the requests behind them for
    several. Threads share it without a lock: two that race only ask twice.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._away = False
        self._closed_until = 0.0

    def ask(self, command: Callable[[], T]) -> T:
        """The answer of `command`; raises StoreError when there is none, or when there was none a moment ago."""
        if self._away:
            now = self._clock()
            if now < self._closed_until:
                raise StoreError(f"Redis at {hide_password(self._url)} did not answer a moment ago")
            self._closed_until = now + PROBE_S
        try:
            with explained(self._url):
                answer = command()
        except StoreError as error:
            # A refusal (no permission, wrong type) is an answer: it must not stop other requests.
            if isinstance(error.__cause__, RedisConnectionError | RedisTimeoutError):
                self._closed_until = self._clock() + PAUSE_S
                if not self._away:
                    log.error("%s", error)
                self._away = True
            else:
                log.error("%s", error)
            raise
        if self._away:
            self._away = False
            log.warning("Redis at %s answers again", hide_password(self._url))
        return answer
