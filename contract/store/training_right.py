"""The right to train: held by one run at a time in a namespace, with a fencing token, and free again when its holder dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import RedisError

from contract.formats.keys import Keys
from contract.store.replicas.acknowledged import Acknowledged
from contract.store.scripts import scripts

POLL_S = 0.2


@contextmanager
def right_to_train(
    redis: Redis, keys: Keys, run: str, lease_s: float, waiting: Callable[[], None], acknowledged: Acknowledged | None = None
) -> Iterator[int]:
    """Wait until no other run trains, then hold the right while the block runs; gives the token.

    Tokens rise. A holder that slept past its lease finds a newer token in Redis: `begin` refuses its generation (lua/begin.lua).
    A second process of the same run takes over at once, since the first counts as dead. `waiting` is called before each wait.
    A token counts once replicas have it (`acknowledged`): one that a failover loses would be given twice.
    """
    acknowledged = acknowledged or Acknowledged(keys)
    script = scripts(redis, "training")["training"]
    where, lease_ms = [keys.training, keys.fence], int(lease_s * 1000)
    acquire = acknowledged.calls({"training": script}, waits=("training",), waiting=waiting)["training"]
    while not (token := int(acquire(keys=where, args=["acquire", run, "", lease_ms]))):
        waiting()
        time.sleep(POLL_S)
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(lease_s / 3):
            with suppress(RedisError):  # away for a moment: the next renewal tries again
                script(keys=where, args=["renew", run, token, lease_ms])

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield token
    finally:
        stop.set()
        thread.join()
        with suppress(RedisError):  # it lapses by itself
            script(keys=where, args=["release", run, token, lease_ms])


def who_trains(redis: Redis, keys: Keys) -> str:
    """The run that holds the right to train, or ""."""
    raw = redis.get(keys.training)
    return raw.decode().partition(" ")[2] if isinstance(raw, bytes) else ""
