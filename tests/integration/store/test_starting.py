"""A run is entered and enqueued, or it is said to have failed."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from contract.formats.keys import Keys
from contract.queue.enter_run import enter_and_enqueue
from contract.store.runs import Runs


def test_a_run_is_known_before_its_job_is_enqueued(store_redis: Redis) -> None:
    runs, seen = Runs(store_redis, Keys()), []
    enter_and_enqueue("r1", lambda do: do(runs), lambda: seen.append(runs.latest()), "")
    assert [(run.run, run.state) for run in seen if run] == [("r1", "queued")]


def test_a_run_that_the_queue_does_not_take_has_failed(store_redis: Redis) -> None:
    runs = Runs(store_redis, Keys())

    def refuse() -> None:
        raise RedisConnectionError("away")

    with pytest.raises(RedisConnectionError):
        enter_and_enqueue("r1", lambda do: do(runs), refuse, "")
    latest = runs.latest()
    assert latest is not None
    assert (latest.run, latest.state, latest.message) == ("r1", "failed", "StoreError: the queue did not take it (ConnectionError)")
