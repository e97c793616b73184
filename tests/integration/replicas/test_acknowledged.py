"""LARDER_MIN_REPLICAS: nothing is relied on that no replica has; and without it nobody asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from contract.artifacts.artifact import open_artifact
from contract.errors import NotReplicatedError
from contract.formats.keys import Keys
from contract.formats.shard_record import ShardRecord
from contract.queue.jobs import score_queue, train_queue
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.replicas.acknowledged import Acknowledged
from contract.store.training_right import right_to_train
from tests.support.builders import make_manifest
from tests.support.generation_maker import SECRET, make_generation, settings_for
from tests.support.servers.replicated import Replicated, replicated
from trainer.service.abandoned import see_to_abandoned
from worker.publishing import publish
from worker.shard import make_shard

KEYS = Keys()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    with replicated(tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture
def redis(pair: Replicated) -> Iterator[Redis]:
    with connect(pair.url) as client:
        client.flushall()
        yield client
        pair.link.let_go()


def held(pair: Replicated, within_s: float = 0.2) -> Acknowledged:
    """From now on the replica gets nothing, and is waited for so long."""
    pair.hold()
    return Acknowledged(KEYS, 1, within_s)


def test_a_shard_is_not_recorded_while_no_replica_has_its_lists(pair: Replicated, redis: Redis, tmp_path: Path) -> None:
    settings = settings_for(pair.url, f"file://{tmp_path}/artifacts")
    manifest = make_generation(redis, settings, "g1")
    redis.flushall()
    generations = Generations(redis, KEYS, acknowledged=Acknowledged(KEYS, 1, 20.0))
    erasure = Erasure(redis, KEYS, SECRET, generations.acknowledged)
    generations.begin(manifest)
    shard = make_shard(open_artifact(settings.artifacts, "g1"), 0)
    generations.acknowledged = held(pair)
    with pytest.raises(NotReplicatedError, match=r"0 of the 1 replica.* lower LARDER_MIN_REPLICAS"):
        publish(generations, erasure, shard)
    assert generations.shards("g1") == {}
    pair.link.let_go()
    generations.acknowledged = Acknowledged(KEYS, 1, 20.0)
    publish(generations, erasure, shard)  # as its job is tried again
    assert list(generations.shards("g1")) == [0]
    there = Generations(pair.replica.client, KEYS)
    assert list(there.shards("g1")) == [0]
    written = sum(pair.replica.client.hlen(KEYS.recs("g1", bucket)) for bucket in range(shard.bucket_start, shard.bucket_end))
    assert written == len(shard.users.ids)


def test_what_others_rely_on_is_with_a_replica_first(pair: Replicated, redis: Redis) -> None:
    acknowledged = held(pair)
    with pytest.raises(NotReplicatedError):
        Generations(redis, KEYS, acknowledged=acknowledged).begin(make_manifest("g1"))
    with pytest.raises(NotReplicatedError):
        Erasure(redis, KEYS, SECRET, acknowledged).add(54)
    waits: list[str] = []
    note = lambda: waits.append(acknowledged.lacking)  # noqa: E731
    with pytest.raises(NotReplicatedError), right_to_train(redis, KEYS, "r1", 60, note, Acknowledged(KEYS, 1, 1.5)):
        pytest.fail("the right was given")
    assert waits
    pair.link.let_go()
    waiting = Acknowledged(KEYS, 1, 20.0)
    assert Generations(redis, KEYS, acknowledged=waiting).begin(make_manifest("g2"), revision=1) == 2
    with right_to_train(redis, KEYS, "r1", 60, pytest.fail, waiting) as token:
        assert int(pair.replica.client.get(KEYS.fence) or 0) == token
    assert Generations(pair.replica.client, KEYS).state("g2") == "scoring"


def test_the_trainer_promotes_nothing_whose_last_record_no_replica_has(pair: Replicated, redis: Redis) -> None:
    """A worker waits for replicas, or died while it did: all shards are recorded, and nobody has promoted."""
    Generations(redis, KEYS).begin(make_manifest("g1"))
    settings = Settings(redis_url=pair.url)
    queues = train_queue(redis, settings), score_queue(redis, settings)
    held_up = Generations(redis, KEYS, acknowledged=held(pair))
    Generations(redis, KEYS).record_shard("g1", 0, ShardRecord(1, 1, 1, 7))
    with pytest.raises(NotReplicatedError):
        see_to_abandoned(held_up, *queues, settings)
    assert held_up.state("g1") == "scoring"
    pair.link.let_go()
    assert see_to_abandoned(Generations(redis, KEYS, acknowledged=Acknowledged(KEYS, 1, 20.0)), *queues, settings) == []
    assert held_up.state("g1") == "current"


def test_a_write_that_was_there_before_is_waited_for_as_well(pair: Replicated, redis: Redis) -> None:
    """A second try writes nothing, and WAIT alone would answer at once."""
    acknowledged = Acknowledged(KEYS, 1, 0.2)
    Generations(redis, KEYS).begin(make_manifest("g1"))
    pair.hold()
    generations = Generations(redis, KEYS, acknowledged=acknowledged)
    redis.set("anything", "that the replica has not")
    with pytest.raises(NotReplicatedError):
        generations.begin(make_manifest("g1"))


def test_without_replicas_nothing_is_sent_but_what_always_was(pair: Replicated, redis: Redis) -> None:
    def commands() -> dict[str, int]:
        return {name: int(found["calls"]) for name, found in redis.info("commandstats").items()}

    redis.config_resetstat()
    generations = Generations(redis, KEYS)
    generations.begin(make_manifest("g1"))
    generations.acknowledged.send(redis, partial(_fill, KEYS.popular("g1")))
    generations.acknowledged.settle(redis)
    found = commands()
    assert not {"cmdstat_wait", "cmdstat_script|exists"} & set(found)
    assert redis.get(KEYS.acknowledged_in("ctl")) is None
    assert redis.get(KEYS.popular("g1")) == b"x"


def _fill(key: str, pipe: Redis) -> None:
    pipe.set(key, "x")
