"""Lists that Redis has lost are noticed, and made again from the artifact: the same bytes, and nobody's who was erased."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from redis import Redis

from contract.artifacts.artifact import open_artifact, remove_artifact
from contract.experiments.moves import Experiments
from contract.experiments.shares import parsed
from contract.formats.keys import Keys, bucket_of
from contract.larder import Larder
from contract.queue.jobs import diff_job_id, enqueue_diff
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.removal import unlink_lists
from contract.store.replicas.lost import Count, Lost, told
from tests.support.generation_maker import SECRET, make_generation, n_lists, settings_for
from tests.support.servers.services import Services, await_that
from tests.support.working import work
from trainer.run.beginning import write_named
from trainer.service import healing
from trainer.service.healing import Healing
from worker import healing as by_worker
from worker import publishing, writer
from worker.shard import make_shard

KEYS = Keys()
Whole = dict[str, object]


@pytest.fixture
def settings(redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a generation with all that is found by shard; its jobs find the same in the environment."""
    fields: dict[str, object] = {"explain_depth": 2, "find_users": True}
    made = settings_for(redis_server, f"file://{tmp_path}/artifacts", **fields)
    given = {"redis_url": redis_server, "artifacts": made.artifacts, "erasure_secret": SECRET}
    for name, value in given.items():
        monkeypatch.setenv(f"LARDER_{name.upper()}", value)
    make_generation(store_redis, made, "g1")
    generations = Generations(store_redis, KEYS)
    write_named(generations, open_artifact(made.artifacts, "g1"))
    return made


def held(redis: Redis) -> Whole:
    """All that readers of g1 find."""
    found: Whole = {}
    for key in sorted(redis.scan_iter("larder:*:g1*")):
        name = key.decode()
        if "{ctl}" not in name:
            found[name] = _value(redis, name)
    return found


def _value(redis: Redis, name: str) -> object:
    kind = cast(bytes, redis.type(name)).decode()
    return {"hash": redis.hgetall, "zset": lambda key: redis.zrange(key, 0, -1), "string": redis.get}[kind](name)


def count(redis: Redis) -> Lost | None:
    counting = Count(Generations(redis, KEYS), "g1")
    while counting.step():
        pass
    return counting.lost()


def lose(redis: Redis, *, named: bool = False) -> None:
    """Whole buckets, and single lists of one."""
    redis.delete(KEYS.recs("g1", 0), KEYS.why("g1", 0), KEYS.recs("g1", 3), KEYS.similar("g1", 1))
    some = cast("list[bytes]", redis.hkeys(KEYS.recs("g1", 2)))[:5]
    redis.hdel(KEYS.recs("g1", 2), *some)
    if named:
        redis.delete(KEYS.popular("g1"), KEYS.names("g1"))


def test_what_is_lost_is_counted_and_comes_back_byte_by_byte(settings: Settings, store_redis: Redis) -> None:
    whole, larder = held(store_redis), Larder(settings)
    assert count(store_redis) is None
    lose(store_redis, named=True)
    lost = count(store_redis)
    assert lost is not None
    assert set(lost.held) == {"lists of users", "explanations", "lists of similar items", "names of users", "the popular list"}
    assert lost.wanted["lists of users"] == 400
    assert "400 names of users" in lost.words
    assert lost.words.endswith("the popular list")
    tick = partial(next, Healing(larder)._steps)
    while not larder.score_queue.count:
        tick()
    assert [each.generation for each in told(store_redis, KEYS)] == ["g1"]
    work(larder.score_queue)
    work(larder.train_queue)
    assert held(store_redis) == whole
    assert count(store_redis) is None
    assert larder.generations.state("g1") == "current"


def test_it_is_quiet_when_whole_and_asks_once_while_something_is_missing(
    settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    larder = Larder(settings)
    monkeypatch.setattr(healing, "EVERY_S", 0.0)
    monkeypatch.setattr(healing, "WHILE_LOST_S", 0.0)
    service = Healing(larder)
    before = store_redis.info("commandstats")
    for _ in range(10):
        service.tick()
    after = store_redis.info("commandstats")
    written = {name for name in after if after[name]["calls"] != before.get(name, {"calls": 0})["calls"]}
    reads = ("get", "hget", "hgetall", "hlen", "exists", "zcard", "info", "multi", "exec", "ping", "hello", "client", "client|setinfo")
    assert written <= {f"cmdstat_{name}" for name in reads}
    assert larder.score_queue.job_ids == []
    lose(store_redis)
    for _ in range(20):
        service.tick()
    assert len(larder.score_queue.job_ids) == 1
    work(larder.score_queue)
    for _ in range(10):
        service.tick()
    assert told(store_redis, KEYS) == []
    assert larder.score_queue.job_ids == []


def test_who_is_erased_stays_away_and_what_is_there_stays_as_it_is(settings: Settings, store_redis: Redis) -> None:
    generations, erasure = Generations(store_redis, KEYS), Erasure(store_redis, KEYS, SECRET)
    artifact = open_artifact(settings.artifacts, "g1")
    gone, kept = artifact.ids("user_ids")[:2]
    n = generations.manifest("g1").n_user_buckets
    store_redis.hset(KEYS.recs("g1", bucket_of(kept, n)), str(kept), b"as it is")
    erasure.add(gone)
    store_redis.hdel(KEYS.recs("g1", bucket_of(gone, n)), str(gone))
    shard = by_worker.lost_shards(generations, artifact)
    assert shard
    by_worker.heal(generations, erasure, make_shard(artifact, shard[0]))
    assert store_redis.hget(KEYS.recs("g1", bucket_of(gone, n)), str(gone)) is None
    assert store_redis.hget(KEYS.recs("g1", bucket_of(kept, n)), str(kept)) == b"as it is"


def test_who_is_erased_while_lists_are_made_again_has_none(settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    generations, erasure = Generations(store_redis, KEYS), Erasure(store_redis, KEYS, SECRET)
    artifact = open_artifact(settings.artifacts, "g1")
    gone = artifact.ids("user_ids")[0]
    store_redis.delete(KEYS.recs("g1", 0))
    write = writer.write_lists

    def erased_meanwhile(*args: Any, **more: Any) -> None:
        erasure.add(gone)
        write(*args, **more)

    monkeypatch.setattr(publishing, "write_lists", erased_meanwhile)
    by_worker.heal(generations, erasure, make_shard(artifact, 0))
    n = generations.manifest("g1").n_user_buckets
    assert store_redis.hget(KEYS.recs("g1", bucket_of(gone, n)), str(gone)) is None


def test_a_generation_that_goes_meanwhile_keeps_nothing(settings: Settings, store_redis: Redis) -> None:
    generations, erasure = Generations(store_redis, KEYS), Erasure(store_redis, KEYS, SECRET)
    shard = make_shard(open_artifact(settings.artifacts, "g1"), 0)
    unlink_lists(generations, "g1")
    store_redis.hset(KEYS.generation("g1"), "state", "pruned")
    assert by_worker.heal(generations, erasure, shard) == "pruned"
    assert not any(store_redis.exists(KEYS.recs("g1", bucket)) for bucket in range(shard.bucket_start, shard.bucket_end))


def test_an_artifact_that_is_gone_is_said(settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    larder = Larder(settings)
    monkeypatch.setattr(healing, "WHILE_LOST_S", 0.0)
    lose(store_redis)
    remove_artifact(settings.artifacts, "g1")
    service = Healing(larder)
    for _ in range(5):
        service.tick()
    work(larder.score_queue)
    for _ in range(5):
        service.tick()
    (lost,) = told(store_redis, KEYS)
    assert "g1" in lost.why
    assert larder.score_queue.job_ids == []


def test_arms_of_an_experiment_are_looked_at_as_what_is_served_is(settings: Settings, store_redis: Redis) -> None:
    for name in ("g2", "g3"):
        make_generation(store_redis, settings, name)
        write_named(Generations(store_redis, KEYS), open_artifact(settings.artifacts, name))
    larder = Larder(settings)
    Experiments(larder.generations).start(parsed("current=50,g1=50"), "a test")
    store_redis.delete(KEYS.recs("g1", 0), KEYS.why("g1", 0))
    service = Healing(larder)
    for _ in range(10):
        service.tick()
    assert [each.generation for each in told(store_redis, KEYS)] == ["g1"]
    work(larder.score_queue)
    assert count(store_redis) is None


@pytest.mark.long
def test_services_make_a_served_generation_whole_while_it_is_served(services: Callable[..., Services], store_redis: Redis) -> None:
    stack = services()
    stack.start("trainer", "serve")
    stack.start("worker")
    pointer = await_that(stack.generations.current, "a first generation is served")
    generation, n = pointer.generation, pointer.n_users
    assert stack.run("heal").returncode == 0
    store_redis.delete(KEYS.recs(generation, 0), KEYS.recs(generation, 1))
    asked = stack.run("heal")
    assert asked.returncode == 5
    assert f"of {n} lists of users" in asked.stderr.replace(",", "")

    def is_whole() -> bool:
        return n == n_lists(stack.generations, generation)[0]

    await_that(is_whole, lambda: f"all lists are there again; {stack.logs()}")
    verified = stack.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_users_of_items_are_made_again_once_the_lists_are_there(
    settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings.model_copy(update={"audience_depth": 3})
    manifest = make_generation(store_redis, made, "g2")
    larder = Larder(made)
    write_named(larder.generations, open_artifact(made.artifacts, "g2"))
    audiences = [KEYS.audience("g2", bucket) for bucket in range(manifest.n_item_buckets)]
    enqueue_diff(larder.train_queue, made, "g2")
    work(larder.train_queue)
    whole = [store_redis.hgetall(key) for key in audiences]
    assert sum(map(len, whole)) == manifest.n_items
    monkeypatch.setattr(healing, "WHILE_LOST_S", 0.0)
    store_redis.delete(KEYS.recs("g2", 0), *audiences)
    service = Healing(larder)
    for _ in range(10):
        service.tick()
    assert larder.train_queue.job_ids == [], "not cooked of half the lists"
    work(larder.score_queue)
    for _ in range(10):
        service.tick()
    assert larder.train_queue.job_ids == [diff_job_id("g2")]
    assert [set(each.held) for each in told(store_redis, KEYS)] == [{"users of items"}], "until they are there"
    work(larder.train_queue)
    assert [store_redis.hgetall(key) for key in audiences] == whole


def test_a_job_that_fails_is_asked_for_again_and_ever_more_rarely(
    settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    larder, clock = Larder(settings), [0.0]
    monkeypatch.setattr(healing, "time", Mock(monotonic=lambda: clock[0]))
    service = Healing(larder)
    lost = Lost(generation="g1", held={"users of items": 0}, wanted={"users of items": 150})
    asked = []
    for minute in range(20):
        clock[0] = 60.0 * minute
        service._heal(lost)
        if larder.train_queue.job_ids:
            asked.append(minute)
            larder.train_queue.empty()  # type: ignore[no-untyped-call]
    assert asked == [0, 1, 3, 7, 15]
