"""Keeps requests from queueing behind a Redis that does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from api.lists.clients import Clients
from contract.errors import StoreError
from contract.settings.settings import hide_password
from contract.store.connections import explained

PAUSE_S = 0.25  # how long nobody asks a server that has just failed
PROBE_S = 2.0  # how long the others wait for the one request that asks it again; longer than any command may take

log = logging.getLogger(__name__)
T = TypeVar("T")


class Breaker:
    """Runs commands of one Redis. After one that got no answer, all fail at once for PAUSE_S; then a single one tries again.

    Without it, a server that swallows packets would hold every thread for the whole timeout, and the requests behind them for
    several. Threads share it without a lock: two that race only ask twice.
    """

    def __init__(self, clients: Clients, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.clients = clients
        self.url = url
        self._clock = clock
        self._away = False
        self._closed_until = 0.0
        self.count: Callable[[], object] = lambda: None  # called at each round trip

    @property
    def is_away(self) -> bool:
        """Whether the server did not answer when it was last asked."""
        return self._away

    def ask(self, command: Callable[[Redis], T]) -> T:
        """The answer of `command`; raises StoreError when there is none, or when there was none a moment ago."""
        self.admit()
        self.count()
        try:
            answer = self.clients.ask(command)
        except RedisError as error:
            self.failed(error)
            with explained(self.url):
                raise
        self.answered()
        return answer

    def admit(self) -> None:
        """Raises StoreError while nobody may ask."""
        if self._away:
            now = self._clock()
            if now < self._closed_until:
                raise StoreError(f"Redis at {hide_password(self.url)} did not answer a moment ago")
            self._closed_until = now + PROBE_S

    def answered(self) -> None:
        if self._away:
            self._away = False
            log.warning("Redis at %s answers again", hide_password(self.url))

    def failed(self, error: RedisError) -> None:
        # A refusal (no permission, wrong type) is an answer: it must not stop other requests.
        is_silent = isinstance(error, RedisConnectionError | RedisTimeoutError)
        if is_silent:
            self._closed_until = self._clock() + PAUSE_S
        if not is_silent or not self._away:
            log.error("Redis at %s: %s", hide_password(self.url), error)
        self._away = self._away or is_silent
