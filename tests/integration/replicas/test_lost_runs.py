"""A run whose job the queue has lost is enqueued again; one whose options are lost with it has failed, and says so."""

from __future__ import annotations

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.larder import Larder
from contract.queue.jobs import run_job_id
from contract.settings.settings import Settings
from trainer.service.lost_runs import TIMES, LostRuns
from trainer.service.start_run import start_run

KEYS = Keys()


@pytest.fixture
def larder(redis_server: str, store_redis: Redis) -> Larder:
    return Larder(Settings(redis_url=redis_server, run_sources="/data"))


def lose_jobs(larder: Larder) -> None:
    larder.train_queue.empty()  # type: ignore[no-untyped-call]


def test_a_run_without_a_job_is_enqueued_again_as_it_was(larder: Larder) -> None:
    run = start_run(larder.train_queue, larder.runs, larder.settings, {}, forced_by="ana", review=True)
    looks = LostRuns(larder)
    assert looks.tick() + looks.tick() == []  # it waits
    lose_jobs(larder)
    assert looks.tick() == []  # a job that has just ended would look like this
    assert looks.tick() == [(run, True)]
    (job,) = larder.train_queue.jobs
    assert (job.id, list(job.args)) == (run_job_id(run), [run, {}, "ana", True])
    assert looks.tick() + looks.tick() == []
    status = larder.runs.get(run)
    assert status is not None
    assert status.state == "queued"


def test_what_is_lost_again_and_again_has_failed(larder: Larder) -> None:
    run = start_run(larder.train_queue, larder.runs, larder.settings, {})
    looks = LostRuns(larder)
    for _ in range(TIMES):
        lose_jobs(larder)
        assert looks.tick() + looks.tick() == [(run, True)]
    lose_jobs(larder)
    assert looks.tick() + looks.tick() == [(run, False)]
    status = larder.runs.get(run)
    assert status is not None
    assert (status.state, status.message) == ("failed", "StoreError: its job was lost with the queue 3 times")
    assert looks.tick() + looks.tick() == []


def test_options_are_nowhere_but_in_the_job(larder: Larder, store_redis: Redis) -> None:
    run = start_run(larder.train_queue, larder.runs, larder.settings, {"similarity": "lift"})
    assert not any(b"lift" in value for value in store_redis.hvals(KEYS.run(run)))
    looks = LostRuns(larder)
    lose_jobs(larder)
    assert looks.tick() + looks.tick() == [(run, False)]
    status = larder.runs.get(run)
    assert status is not None
    assert status.message == "StoreError: its job was lost with the queue, and its options with it: start it again"


def test_runs_of_commands_and_who_trains_are_left_alone(larder: Larder, store_redis: Redis) -> None:
    larder.runs.queued("by-hand")  # `run --here` has no job
    run = start_run(larder.train_queue, larder.runs, larder.settings, {})
    lose_jobs(larder)
    store_redis.set(KEYS.training, f"1 {run}")
    looks = LostRuns(larder)
    assert looks.tick() + looks.tick() + looks.tick() == []
