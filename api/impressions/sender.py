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
Answer = tuple[str, int, bytes, bool]


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
        self._redis: Redis | None = None
        self._told = set[str]()  # what fails, by kind

    def put(self, request_id: str, body: bytes, further_only: bool = False) -> None:
        """Costs some microseconds, and waits for nothing. `further_only`: keep no list that begins at rank 1."""
        with self._lock:
            fits = self._n_bytes + len(body) <= MAX_HELD_BYTES
            if fits:
                self._held.append((request_id, time.time_ns() // 1_000_000, body, further_only))
                self._n_bytes += len(body)
            if self._thread is None:
                self._begin()
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
        with self._lock:
            left = len(self._held)
            self._held.clear()
        if left:
            self._count(DROPPED, left)
            log.warning("%d answers were not sent before the end of the process, and are not kept as shown", left)

    def _begin(self) -> None:
        """Where the machine has no more threads, the next answer tries again."""
        thread = threading.Thread(target=self._serve, name="impressions", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._tell("thread", "no thread can be started yet that sends the lists that were shown: %s", error)
        else:
            self._thread = thread

    def _serve(self) -> None:
        is_last = False
        while not is_last:
            self._has_more.wait()
            self._ends.wait(GATHER_S)
            self._has_more.clear()
            is_last = self._ends.is_set()  # after the clearing, which may have taken the end's call with it
            try:
                while n := self._send():
                    if n < 0:
                        self._ends.wait(PAUSE_S)
            except Exception as error:  # noqa: BLE001 (whatever it is, the next answers may be better)
                self._tell(type(error).__name__, "lists that were shown are not all kept: %r", error)
                self._has_more.set()
                self._ends.wait(PAUSE_S)

    def _send(self) -> int:
        """The next answers; how many, below 0 where they were dropped."""
        n, lists = self._next()
        if not n:
            return 0
        is_kept = not lists or self._is_taken(lists)
        self._count(KEPT if is_kept else DROPPED, n)
        return n if is_kept else -n

    def _is_taken(self, lists: list[Impression]) -> bool:
        try:
            if self._redis is None:
                self._redis = connect(self._settings.redis_url, timeout_s=TIMEOUT_S, retries=0)
            is_taken = push(self._redis, self._keys, self._settings, lists)
        except (RedisError, OSError, LarderError) as error:
            self._tell("away", "Redis does not take lists that were shown, which are dropped until it does: %s", error)
            return False
        except Exception as error:  # noqa: BLE001 (whatever it is, the next answers may be better)
            self._tell(f"push {type(error).__name__}", "lists that were shown can't be sent, and are not kept: %r", error)
            return False
        self._told.discard("away")
        return is_taken

    def _next(self) -> tuple[int, list[Impression]]:
        """How many of the next answers are in the sample, and their lists."""
        n, lists = 0, list[Impression]()
        while len(lists) < PER_PUSH:
            with self._lock:
                if not self._held:
                    break
                answer = self._held.popleft()
                self._n_bytes -= len(answer[2])
            try:
                found = shown(*answer)
            except Exception as error:  # noqa: BLE001 (what is no answer stops nothing)
                self._tell(f"read {type(error).__name__}", "an answer can't be read, and is not kept: %r", error)
                self._count(DROPPED, 1)
            else:
                lists += found
                n += bool(found) or not answer[3]
            time.sleep(0)  # lets the threads go first that answer
        return n, lists

    def _tell(self, kind: str, message: str, error: Exception) -> None:
        """Once for each kind: not for each answer."""
        if kind not in self._told:
            self._told.add(kind)
            log.warning(message, error)
