"""The disk under Redis is full: lists are served, every refusal says why, and what was on its way is promoted whole once there is room."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.connections import says_disk
from tests.support.builders import promote_lists
from tests.support.generation_maker import n_lists
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that, children
from tests.support.servers.zygote import Zygote

SHAPE = "synthetic:600x300x12000"


@pytest.fixture
def stack(server: RedisServer, tmp_path: Path, zygote: Zygote) -> Iterator[Services]:
    services = Services(server.url, tmp_path, zygote, interactions=SHAPE, shard_target_s=0.001, lease_s=2, evaluate=False)
    yield services
    server.make_room()
    services.close()


def refuses(stack: Services) -> bool:
    try:
        stack.redis.set("a test", "x" * 5000)
    except ResponseError as error:
        return says_disk(error)
    return False


def test_nothing_is_asked_by_ping_but_what_waits_for_jobs() -> None:
    """Which hears for days of nothing, on a connection that something in between may drop."""
    service = Larder(Settings(), waits_for_jobs=True)
    intervals = [redis.connection_pool.connection_kwargs["health_check_interval"] for redis in (service.store, service.queue_redis)]
    assert intervals == [0, 30]


def test_what_is_served_is_served_on_and_all_else_says_why(stack: Services, server: RedisServer) -> None:
    promote_lists(stack.redis, stack.keys, {1: [(7, 1.0)]}, generation="g1")
    with ApiProcess(server.url, LARDER_API_WRITE_KEYS="k" * 32, LARDER_EVENTS="1") as api:
        server.fill_disk()
        await_that(lambda: refuses(stack) or None, "Redis refuses writes")
        assert api.get("/users/1/recommendations").json()["items"]
        assert api.get("/health/ready").status_code == 200
        assert "larder_store_disk_fails 1.0" in api.get("/metrics").text
        assert "append-only file can&#39;t be written" in api.get("/").text
        told, refused, doctor = stack.run("status"), stack.run("run"), stack.run("doctor")
        assert told.returncode == 0, told.stderr
        assert "can't write to its disk" in told.stdout
        assert "g1" in told.stdout
        assert refused.returncode == 6
        assert "refuses writes: it can't write to its disk" in refused.stderr
        assert "make room on the disk of Redis" in " ".join(refused.stderr.split())
        assert "fail Redis: its disk: its append-only file can't be written" in doctor.stdout
        server.make_room()
        await_that(lambda: not refuses(stack) or None, "there is room again")
        assert "larder_store_disk_fails 0.0" in api.get("/metrics").text


@pytest.mark.long
def test_a_run_in_the_middle_of_which_the_disk_is_full_is_promoted_whole_once_there_is_room(stack: Services, server: RedisServer) -> None:
    trainer, worker = stack.start("trainer", "serve"), stack.start("worker")
    first = await_that(stack.generations.current, stack.logs).generation
    (working,) = await_that(lambda: children(worker.pid), "a worker")
    os.kill(working, signal.SIGSTOP)
    assert stack.run("run").returncode == 0
    generation = await_that(lambda: next(iter(set(stack.generations.ids()) - {first}), None), stack.logs)
    server.fill_disk(room=20_000)
    os.kill(working, signal.SIGCONT)
    await_that(lambda: refuses(stack) or None, "Redis refuses writes")
    await_that(lambda: "the trainer waits: Redis refuses writes" in stack.logs() or None, stack.logs)
    assert stack.generations.state(generation) == "scoring"
    assert stack.generations.state(first) == "current"
    server.make_room()
    assert stack.await_state(generation, "current", "failed") == "current"
    manifest = stack.generations.manifest(generation)
    assert n_lists(stack.generations, generation)[0] == manifest.n_users
    assert (trainer.poll(), worker.poll()) == (None, None), "nothing that starts them had to"
