"""What may break while a generation is made. It ends promoted and whole, or failed with its reason while the old one serves on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.store.removal import retire
from tests.support.generation_maker import n_lists
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that, children, sent, stopped

pytestmark = pytest.mark.long
SHAPE = "synthetic:3000x2500x150000"


@pytest.fixture
def stack(server: RedisServer, tmp_path: Path) -> Iterator[Services]:
    services = Services(server.url, tmp_path, interactions=SHAPE, shard_target_s=0.01, lease_s=2, evaluate=False)
    yield services
    services.close()


def dispatched(stack: Services) -> str:
    """A run whose shards wait on their queue; its generation."""
    ran = stack.run("run", "--here")
    assert ran.returncode == 0, ran.stderr
    return stack.generations.ids()[-1]


def dispatched_beside_a_worker(stack: Services) -> str:
    """The same while a worker runs, which begins when all shards are there: it may be through them before the command has ended."""
    workers = children(stack.processes[-1].pid)
    for process in workers:
        os.kill(process, signal.SIGSTOP)
    try:
        return dispatched(stack)
    finally:
        for process in workers:
            os.kill(process, signal.SIGCONT)


def promoted(stack: Services) -> str:
    generation = dispatched(stack)
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current", stack.logs()
    return generation


def some_shards(stack: Services, generation: str) -> bool:
    progress = stack.generations.progress(generation)
    return progress is not None and 0 < progress.shards_recorded < progress.n_shards


def check_whole(stack: Services, generation: str) -> None:
    """All users, all lists of similar items, each shard once."""
    progress, manifest = stack.generations.progress(generation), stack.generations.manifest(generation)
    assert progress is not None
    assert (progress.shards_recorded, progress.users_written) == (progress.n_shards, manifest.n_users)
    assert n_lists(stack.generations, generation) == (manifest.n_users, manifest.n_items)


def kill_all(worker: int) -> None:
    """The service, its RQ workers, and their work-horses."""
    for process in [*(horse for parent in children(worker) for horse in children(parent)), *children(worker), worker]:
        sent(process, signal.SIGKILL)


def test_all_workers_are_killed(stack: Services) -> None:
    generation = dispatched(stack)
    worker = stack.start("worker", LARDER_PROCESSES="2")
    await_that(lambda: some_shards(stack, generation), "a shard is recorded")
    kill_all(worker.pid)
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
    check_whole(stack, generation)


def test_the_trainer_is_killed_after_dispatch(stack: Services) -> None:
    trainer = stack.start("trainer", "serve")
    generation = await_that(lambda: next(iter(stack.generations.ids()), None), f"a generation is begun: {stack.logs()}")
    for process in [*children(trainer.pid), trainer.pid]:
        os.kill(process, signal.SIGKILL)
    stack.start("worker")
    # Killed between its begin and its last enqueued shard, its successor enqueues the rest.
    stack.start("trainer", "serve")
    assert stack.await_state(generation, "current", "failed") == "current"
    check_whole(stack, generation)


def test_redis_restarts_while_shards_are_scored(stack: Services, server: RedisServer) -> None:
    first = promoted(stack)
    generation = dispatched_beside_a_worker(stack)
    await_that(lambda: stack.generations.state(generation) == "scoring" or None, "it scores")
    server.stop()
    server.start()
    assert stack.await_state(generation, "current", "failed") == "current"
    check_whole(stack, generation)
    check_whole(stack, first)


def test_a_promoted_generation_survives_a_restart_of_redis(stack: Services, server: RedisServer) -> None:
    generation = promoted(stack)
    server.stop_gently()
    server.start()
    pointer = stack.generations.current()
    assert pointer is not None
    assert pointer.generation == generation
    check_whole(stack, generation)


def test_redis_stands_still_for_ten_seconds(stack: Services, server: RedisServer) -> None:
    first = promoted(stack)
    with ApiProcess(server.url) as api:
        until("ready", lambda: api.get("/health/ready").status_code == 200)
        generation = dispatched_beside_a_worker(stack)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            until("the API says so", lambda: api.get("/health/ready").status_code == 503)
            time.sleep(10)  # the fault itself
        finally:
            os.kill(server.pid, signal.SIGCONT)
        until("ready again", lambda: api.get("/health/ready").status_code == 200)
    assert stack.await_state(generation, "current", "failed") == "current"
    check_whole(stack, generation)
    check_whole(stack, first)


def test_a_run_that_does_not_fit_into_redis_is_refused_before_it_is_begun(stack: Services) -> None:
    first = promoted(stack)
    stack.redis.config_set("maxmemory", stack.redis.info("memory")["used_memory"] + 300_000)
    ran = stack.run("run", "--here")
    assert ran.returncode == 6
    assert "MiB left of" in ran.stderr
    assert stack.generations.ids() == [first]
    check_whole(stack, first)


def test_a_redis_that_is_full_after_all_fails_the_new_generation_and_spares_the_served_one(stack: Services) -> None:
    first = promoted(stack)
    generation = dispatched_beside_a_worker(stack)
    stack.redis.config_set("maxmemory", stack.redis.info("memory")["used_memory"] + 50_000)
    assert stack.await_state(generation, "failed", "current") == "failed"
    progress = stack.generations.progress(generation)
    assert progress is not None
    assert "Redis is full" in progress.reason
    assert lists_left(stack, generation) == []
    stack.redis.config_set("maxmemory", 0)
    pointer = stack.generations.current()
    assert pointer is not None
    assert pointer.generation == first
    check_whole(stack, first)
    assert stack.await_state(dispatched(stack), "current", "failed") == "current"


def test_a_redis_that_has_no_room_for_a_worker_itself_fails_the_new_generation_and_spares_the_served_one(stack: Services) -> None:
    """RQ's own writes are refused, so no job can fail."""
    first = promoted(stack)
    generation = dispatched_beside_a_worker(stack)
    await_that(lambda: some_shards(stack, generation), "it has lists that take room")
    kill_all(stack.processes[-1].pid)
    stack.redis.config_set("maxmemory", stack.redis.info("memory")["used_memory"] - 10_000)
    stack.start("worker")
    assert stack.await_state(generation, "failed", "current") == "failed"
    progress = stack.generations.progress(generation)
    assert progress is not None
    assert "Redis is full" in progress.reason
    check_whole(stack, first)
    stack.redis.config_set("maxmemory", 0)
    assert stack.await_state(dispatched(stack), "current", "failed") == "current"


def lists_left(stack: Services, generation: str) -> list[bytes]:
    return [key for kind in ("recs", "similar", "why") for key in stack.redis.scan_iter(f"larder:{kind}:{generation}:*")]


@pytest.mark.parametrize("fate", ["pruned", "gone", "rolled back from"])
def test_a_twin_that_wakes_late_changes_nothing_and_leaves_nothing(stack: Services, fate: str) -> None:
    """A work-horse that slept through it all writes its shard into what is no longer there."""
    first = promoted(stack)
    generation = dispatched_beside_a_worker(stack)

    def asleep() -> int | None:
        worker = stack.processes[-1].pid
        return next((horse for parent in children(worker) for horse in children(parent) if stopped(horse)), None)

    sleeper = await_that(asleep, "a work-horse at work")
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
    stack.generations.roll_back("a test")
    if fate == "rolled back from":
        before = snapshot(stack, generation)
    else:
        assert stack.await_state(dispatched(stack), "complete") == "complete"  # held
        stack.generations.release()
        assert stack.await_state(dispatched(stack), "current") == "current"
        assert stack.await_state(dispatched(stack), "current") == "current"
        retire(stack.generations, generation, 0, 3600 if fate == "pruned" else 0)
        retire(stack.generations, generation, 0, 3600 if fate == "pruned" else 0)
        assert stack.generations.state(generation) == ("pruned" if fate == "pruned" else "")
    os.kill(sleeper, signal.SIGCONT)
    await_that(lambda: not Path(f"/proc/{sleeper}").exists(), "the sleeper ends")
    if fate == "rolled back from":
        assert snapshot(stack, generation) == before
        pointer = stack.generations.current()
        assert pointer is not None
        assert pointer.generation == first
    else:
        assert lists_left(stack, generation) == []


def snapshot(stack: Services, generation: str) -> dict[bytes, object]:
    """All that a reader or a promotion could see of a generation."""
    keys = [key for key in stack.redis.scan_iter(f"*{generation}*") if stack.redis.type(key) == b"hash" and b":lease:" not in key]
    return {key: stack.redis.hgetall(key) for key in sorted(keys) if b":run:" not in key and not key.startswith(b"rq:")}
