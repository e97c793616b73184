"""How fast a generation is scored, and how long that will still take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from rq import Queue
from rq.utils import as_text
from rq.worker_registration import get_keys

from contract.store.progress import Progress

WINDOW_S = 15.0  # the rate is that of the last seconds: it falls when workers die
COUNT_EVERY_S = 1.0


class Pace:
    """Takes what is seen of a generation now and then. Shards are of unlike length, so the rate is in users."""

    def __init__(self, n_alive: Callable[[], int] | None, clock: Callable[[], float]) -> None:
        """`n_alive`: counts the workers; None: they are not shown."""
        self._n_alive = n_alive
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._workers = ""
        self._counted_at = -COUNT_EVERY_S

    def note(self, scoring: Progress) -> str:
        """Users so far, users a second, time left, workers; what is not known yet is left out."""
        now = self._clock()
        self._seen.append((now, scoring.users_written))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()
        if self._n_alive is not None and now - self._counted_at >= COUNT_EVERY_S:
            self._counted_at, alive = now, self._n_alive()
            self._workers = f"{alive} worker{'' if alive == 1 else 's'}"
        parts = [f"{scoring.users_written:,} of {scoring.n_users:,} users"]
        (then, before), rate = self._seen[0], 0.0
        if now > then:
            rate = (scoring.users_written - before) / (now - then)
        if rate > 0 and scoring.users_written < scoring.n_users:
            parts += [f"{rate:,.0f} users/s", f"{(scoring.n_users - scoring.users_written) / rate:,.0f} s left"]
        return ", ".join([*parts, self._workers] if self._workers else parts)


def n_alive(queue: Queue) -> int:
    """How many RQ workers, on whatever host, listen on `queue` and have shown life within their time to live."""
    return sum(1 for key in get_keys(queue=queue) if queue.connection.exists(as_text(cast(bytes, key))))
