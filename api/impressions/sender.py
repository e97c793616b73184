"""Answers wait in memory for a thread that tells the trainer service of them: no answer waits for it, whatever Redis does.

There are bounds to how much waits here, and in Redis (LARDER_IMPRESSIONS_MAX_MB). What does not fit, and what Redis does not take within
a second, is dropped and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from api.impressions.shown import shown
from contract.errors import LarderError
from contract.formats.events import Impression
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.streams.impressions import push

MAX_HELD_BYTES = 4 * 2**20  # of answers, in one process
PER_PUSH = 100  # lists, or those of one answer
GATHER_S = 0.25
PAUSE_S = 1.0  # after Redis has taken nothing
TIMEOUT_S = 1.0
LAST_S = 2.0  # what the end of a process waits for the rest to be sent
KEPT, DROPPED = "kept", "dropped"

log = logging.getLogger(__name__)
Answer = tuple[str, int, bytes]


class Sender:
    """`count` is told how many answers were kept or dropped. The thread begins with the first answer, so after the fork."""

    def __init__(self, settings: Settings, count: Callable[[str, int], None]) -> None:
        self._settings, self._count = settings, count
        self._keys = Keys(settings.namespace)
        self._held: deque[Answer] = deque()
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._has_more, self._ends = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def put(self, request_id: str, body: bytes) -> None:
        """Costs some microseconds, and waits for nothing."""
        with self._lock:
            fits = self._n_bytes + len(body) <= MAX_HELD_BYTES
            if fits:
                self._held.append((request_id, time.time_ns() // 1_000_000, body))
                self._n_bytes += len(body)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="impressions", daemon=True)
                    self._thread.start()
        if not fits:
            self._count(DROPPED, 1)
        elif not self._has_more.is_set():
            self._has_more.set()

    def close(self) -> None:
        """Send the rest, if Redis takes it soon."""
        self._ends.set()
        self._has_more.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def _serve(self) -> None:
        redis = connect(self._settings.redis_url, timeout_s=TIMEOUT_S, retries=0, health_check_s=0)
        while not self._ends.is_set():
            self._has_more.wait()
            self._ends.wait(GATHER_S)
            self._has_more.clear()
            while n := self._send(redis):
                if n < 0:
                    self._ends.wait(PAUSE_S)

    def _send(self, redis: Redis) -> int:
        """The next answers; how many, below 0 where they were dropped."""
        n, lists = self._next()
        if not n:
            return 0
        try:
            is_kept = not lists or push(redis, self._keys, self._settings, lists)
        except (RedisError, OSError, LarderError) as error:
            if not self._is_away:
                log.warning("Redis does not take lists that were shown, which are dropped until it does: %s", error)
            self._is_away, is_kept = True, False
        else:
            self._is_away = False
        self._count(KEPT if is_kept else DROPPED, n)
        return n if is_kept else -n

    def _next(self) -> tuple[int, list[Impression]]:
        n, lists = 0, list[Impression]()
        while len(lists) < PER_PUSH and self._held:
            with self._lock:
                answer = self._held.popleft()
                self._n_bytes -= len(answer[2])
            try:
                lists += shown(*answer)
                n += 1
            except (ValueError, KeyError, TypeError) as error:
                log.error("an answer can't be read, and is not kept: %r", error)
                self._count(DROPPED, 1)
            time.sleep(0)  # lets the threads go first that answer
        return n, lists
