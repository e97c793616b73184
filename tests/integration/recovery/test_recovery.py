"""Kill -9 in the middle of a run: the generation is promoted all the same, complete."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.queue.jobs import score_queue
from tests.support.generation_maker import n_lists
from tests.support.servers.services import Services, await_that, children, sent, stopped

N_USERS, N_ITEMS, PER_USER = 6000, 6000, 60


@pytest.fixture(scope="module")
def interactions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough work for a few dozen shards, so that a kill meets one at work."""
    random = np.random.default_rng(7)
    path = tmp_path_factory.mktemp("data") / "interactions.csv"
    pl.DataFrame(
        {
            "userID": np.repeat(np.arange(N_USERS), PER_USER),
            "itemID": random.integers(0, N_ITEMS, N_USERS * PER_USER),
            "rating": random.integers(1, 6, N_USERS * PER_USER),
        }
    ).unique(["userID", "itemID"], maintain_order=True).write_csv(path)
    return path


@pytest.fixture
def stack(services: Callable[..., Services], interactions: Path) -> Services:
    return services(interactions=interactions, time_column="", shard_target_s=0.02, lease_s=2)


def dispatch_run(stack: Services) -> str:
    """Train, and put the shards on the queue, with no worker yet; the run's id."""
    result = stack.run("run", "--here")
    assert result.returncode == 0, result.stderr
    run = stack.runs.latest()
    assert run is not None
    return run.run


@pytest.mark.long
@pytest.mark.parametrize("victims", ["work-horse", "parent", "both", "supervisor"])
def test_a_killed_worker_costs_no_list(stack: Services, victims: str) -> None:
    generation = dispatch_run(stack)
    worker = stack.start("worker")

    def at_work() -> tuple[int, int] | None:
        """Process ids of an RQ worker and its work-horse, once some shards are done."""
        progress = stack.generations.progress(generation)
        assert progress is not None
        if not 0 < progress.shards_recorded < progress.n_shards - 4:  # not so late that the run may end between look and stop
            return None
        for parent in children(worker.pid):
            for horse in children(parent):
                if stopped(horse):  # it can't end before it is killed
                    return parent, horse
        return None

    parent, horse = await_that(at_work, f"a work-horse at work; {stack.logs()}")
    assert stack.generations.state(generation) == "scoring"
    if victims == "supervisor":
        stack.start("worker")
        os.kill(worker.pid, signal.SIGKILL)
    if victims in ("parent", "both"):
        os.kill(parent, signal.SIGKILL)
    if victims in ("work-horse", "both"):
        sent(horse, signal.SIGKILL)  # which may have died with its parent already
    assert stack.await_state(generation, "current", "failed") == "current"
    assert n_lists(stack.generations, generation)[0] == N_USERS
    progress = stack.generations.progress(generation)
    assert progress is not None
    assert progress.users_written == N_USERS


@pytest.mark.long
def test_a_job_that_was_taken_but_never_begun_is_put_back(stack: Services) -> None:
    """What a worker leaves that is killed between RQ's two steps: the job is off the queue, and nowhere entered as started."""
    generation = dispatch_run(stack)
    queue = score_queue(stack.redis, stack.settings)
    stack.redis.lmove(queue.key, queue.intermediate_queue_key, "LEFT", "RIGHT")
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
    assert n_lists(stack.generations, generation)[0] == N_USERS


@pytest.mark.long
def test_a_shard_that_sleeps_past_its_lease_is_taken_over_and_its_twin_changes_nothing(stack: Services) -> None:
    generation = dispatch_run(stack)
    worker = stack.start("worker")

    def horse_at_work() -> int | None:
        return next((horse for parent in children(worker.pid) for horse in children(parent) if stopped(horse)), None)

    sleeper = await_that(horse_at_work, "a work-horse")
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
    assert n_lists(stack.generations, generation)[0] == N_USERS
    os.kill(sleeper, signal.SIGCONT)
    await_that(lambda: not Path(f"/proc/{sleeper}").exists(), "the sleeper ends")
    assert stack.generations.state(generation) == "current"
    assert n_lists(stack.generations, generation)[0] == N_USERS


@pytest.mark.long
def test_a_shard_that_always_fails_fails_its_generation_with_the_reason(stack: Services, tmp_path: Path) -> None:
    generation = dispatch_run(stack)
    (tmp_path / "artifacts" / generation / "affinity.npy").write_bytes(b"truncated")
    stack.start("worker")
    assert stack.await_state(generation, "failed", "current") == "failed"
    progress = stack.generations.progress(generation)
    assert progress is not None
    assert "truncated" in progress.reason
    assert stack.generations.current() is None
    queue = score_queue(stack.redis, stack.settings)
    await_that(lambda: queue.count == 0 and queue.started_job_registry.count == 0, "the other shards end")


@pytest.mark.long
def test_a_stopped_worker_finishes_its_shard(stack: Services) -> None:
    generation = dispatch_run(stack)
    worker = stack.start("worker")
    await_that(lambda: (p := stack.generations.progress(generation)) is not None and p.shards_recorded > 0, "a first shard")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    queue = score_queue(stack.redis, stack.settings)
    assert queue.started_job_registry.count == 0
    assert stack.generations.state(generation) == "scoring"
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
