"""Redis loses all that it holds under running services: what was served is served again, without training, and everybody is counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from rq import Worker

from contract.formats.keys import Keys
from contract.larder import Larder
from contract.queue.jobs import score_queue, train_queue
from contract.queue.leases import n_alive_here
from contract.settings.settings import Settings
from tests.support.generation_maker import in_environment, make_generation, settings_for
from tests.support.servers.services import Services, await_that
from tests.support.working import work
from trainer.erasure.erase import erase
from trainer.service import emptied
from trainer.service.emptied import Emptied

KEYS = Keys()


def held(redis: Redis, generation: str) -> dict[bytes, dict[bytes, bytes]]:
    """Lists of users and of items."""
    keys = [key for kind in ("recs", "similar") for key in redis.scan_iter(f"larder:{kind}:{generation}:*")]
    return {key: cast("dict[bytes, bytes]", redis.hgetall(key)) for key in sorted(keys)}


@pytest.fixture
def larder(redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Larder:
    """One that serves g1; its jobs find its settings in the environment."""
    settings = settings_for(redis_server, f"file://{tmp_path}/artifacts")
    in_environment(settings, monkeypatch)
    monkeypatch.setattr(emptied, "EVERY_S", 0.0)
    make_generation(store_redis, settings, "g1")
    return Larder(settings)


def test_what_was_served_is_made_again_and_nobody_who_was_erased(larder: Larder, store_redis: Redis) -> None:
    service, user = Emptied(larder), next(iter(store_redis.hkeys(KEYS.recs("g1", 0))))
    erase(larder.settings, store_redis, int(user), lambda: None)
    whole = held(store_redis, "g1")
    service.tick()
    store_redis.flushall()
    service.tick()
    assert larder.train_queue.job_ids == ["publishes-g1"]
    work(larder.train_queue)
    service.tick()
    assert larder.train_queue.job_ids == [], "once"
    work(larder.score_queue)
    assert larder.generations.state("g1") == "current"
    assert held(store_redis, "g1") == whole
    (change,) = larder.audit.newest(1)
    assert change.by == "the trainer"


def test_a_backup_that_is_restored_before_is_left_alone(larder: Larder, store_redis: Redis, settings_of_another: Settings) -> None:
    service = Emptied(larder)
    service.tick()
    store_redis.flushall()
    service.tick()
    make_generation(store_redis, settings_of_another, "g2")
    work(larder.train_queue)
    assert larder.generations.ids() == ["g2"]


@pytest.fixture
def settings_of_another(redis_server: str, tmp_path: Path) -> Settings:
    return settings_for(redis_server, f"file://{tmp_path}/others")


def test_without_its_artifact_a_run_is_started_once(larder: Larder, store_redis: Redis, tmp_path: Path) -> None:
    service = Emptied(larder)
    service.tick()
    store_redis.flushall()
    shutil.rmtree(tmp_path / "artifacts" / "g1")
    service.tick()
    work(larder.train_queue)
    for _ in range(3):
        service.tick()
    (job,) = larder.train_queue.jobs
    assert job.func_name == "trainer.jobs.run"


def test_a_service_that_saw_nothing_served_starts_a_run_once(larder: Larder, store_redis: Redis) -> None:
    store_redis.flushall()
    service = Emptied(larder)
    for _ in range(3):
        service.tick()
    (job,) = larder.train_queue.jobs
    assert job.func_name == "trainer.jobs.run"


@pytest.mark.long
@pytest.mark.parametrize("stage", ["training", "scoring"])
def test_services_under_which_all_is_flushed_in_mid_run(services: Callable[..., Services], store_redis: Redis, stage: str) -> None:
    stack = services(interactions="synthetic:2000x1500x100000", shard_target_s=0.01)
    stack.start("trainer", "serve")
    stack.start("worker")
    first = await_that(stack.generations.current, stack.logs).generation
    assert stack.run("run").returncode == 0

    def is_there() -> bool:
        if stage == "training":
            latest = stack.runs.latest()
            return latest is not None and latest.run != first and latest.state == "running"
        found = [stack.generations.progress(name) for name in stack.generations.ids() if name != first]
        return any(one.shards_recorded for one in found if one)

    await_that(lambda: is_there() or None, stack.logs)
    store_redis.flushall()
    served = await_that(stack.generations.current, stack.logs)
    kept = {key.split(b":")[2].decode() for key in store_redis.scan_iter("larder:recs:*")}
    assert kept == {served.generation}
    assert sum(map(len, held(store_redis, served.generation).values())) == served.n_users + served.n_items


def test_services_under_which_all_is_flushed(services: Callable[..., Services], store_redis: Redis) -> None:
    stack = services(interactions="synthetic:300x200x6000", cron="0 3 * * *")
    stack.start("trainer", "serve")
    stack.start("worker")
    generation = await_that(stack.generations.current, stack.logs).generation
    whole = held(store_redis, generation)
    queues = [queue(store_redis, stack.settings) for queue in (train_queue, score_queue)]
    await_that(lambda: [n_alive_here(queue) for queue in queues] == [1, 1] or None, "both are counted")
    store_redis.flushall()
    assert Worker.count(store_redis) == 0
    again = await_that(stack.generations.current, stack.logs).generation
    assert list(held(store_redis, again).values()) == list(whole.values())
    await_that(lambda: [n_alive_here(queue) for queue in queues] == [1, 1] or None, "both are counted again")
