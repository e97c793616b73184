"""A primary is killed before its replica has what it took: nothing is served that is not whole, or it is made whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from contract.artifacts.artifact import open_artifact
from contract.errors import NotReplicatedError
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.queue.known_jobs import SCORE_JOB
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.replicas.lost import told
from tests.support.generation_maker import SECRET, n_lists, settings_for
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.api_process import until
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.redis_variants import Server
from tests.support.servers.replicated import Replicated, replicated
from tests.support.servers.services import Services, await_that
from tests.support.servers.zygote import Zygote
from tests.support.working import work
from trainer.run.beginning import begin
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.service import healing
from trainer.service.abandoned import see_to_abandoned
from trainer.service.healing import Healing
from worker.publishing import publish
from worker.shard import make_shard

N_USERS = 400


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Replicated]:
    with replicated(tmp_path / "redis", sentinels=1) as made:
        yield made


@pytest.fixture
def settings(pair: Replicated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return _being_scored(pair.url, tmp_path, monkeypatch, min_replicas=1, replica_timeout_s=0.5)


def _being_scored(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **fields: object) -> Settings:
    """Those of a generation that is being scored, of several shards; jobs find the same in the environment."""
    made = settings_for(url, f"file://{tmp_path}/artifacts", **fields)
    given = {"redis_url": url, "queue_url": made.queue_url, "artifacts": made.artifacts, "erasure_secret": SECRET}
    for name, value in given.items():
        monkeypatch.setenv(f"LARDER_{name.upper()}", value)
    larder = Larder(made)
    make_artifact(RunSpec("g1", made), interactions_of(many()), lambda *_: None)
    begin(made, larder.generations, larder.erasure, "g1", Verdict(), token=None)
    return made


def fail_over(pair: Replicated) -> None:
    """What the link holds is lost, and the primary with it; the replica is the primary from then on."""
    pair.link.cut()
    pair.primary.kill()
    until("the replica is promoted", lambda: pair.replica.client.info("replication")["role"] == "master")
    until("the Sentinels name it", lambda: _answers(pair.url))


def _answers(url: str) -> bool:
    try:
        with connect(url, retries=0) as client:
            return bool(client.ping())
    except RedisError:
        return False


def test_without_replicas_that_acknowledge_a_generation_lacks_lists_and_is_made_whole(
    pair: Replicated, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    larder = Larder(settings.model_copy(update={"min_replicas": 0}))
    artifact, generations = open_artifact(settings.artifacts, "g1"), larder.generations
    record = Generations.record_shard

    def after_a_failover(self: Generations, generation: str, shard: int, made: ShardRecord) -> str:
        """The worker has written to one primary, and says so to the next."""
        if shard == 2:
            fail_over(pair)
        return record(self, generation, shard, made)

    monkeypatch.setattr(Generations, "record_shard", after_a_failover)
    n_shards = artifact.manifest.n_shards
    assert n_shards > 3
    for shard in range(n_shards):
        if shard == 2:
            pair.hold()
        publish(generations, larder.erasure, make_shard(artifact, shard))
    assert generations.state("g1") == "current"
    before = n_lists(larder.generations, "g1")[0]
    assert before < N_USERS
    monkeypatch.setattr(healing, "WHILE_LOST_S", 0.0)
    service = Healing(larder)
    while not larder.score_queue.count:
        service.tick()
    (lost,) = told(larder.store, larder.keys)
    assert lost.n >= N_USERS - before
    work(larder.score_queue)
    assert n_lists(larder.generations, "g1")[0] == N_USERS
    for _ in range(10):
        service.tick()
    assert told(larder.store, larder.keys) == []


@pytest.mark.long
def test_with_them_nothing_that_is_lost_was_recorded_and_its_jobs_come_back(pair: Replicated, settings: Settings) -> None:
    larder = Larder(settings)
    artifact, generations = open_artifact(settings.artifacts, "g1"), larder.generations
    for shard in range(2):
        publish(generations, larder.erasure, make_shard(artifact, shard))
    pair.hold()
    with pytest.raises(NotReplicatedError):
        publish(generations, larder.erasure, make_shard(artifact, 2))
    fail_over(pair)
    assert sorted(generations.shards("g1")) == [0, 1]
    alone = settings.model_copy(update={"min_replicas": 0})  # until there is another replica
    (left,) = see_to_abandoned(generations, larder.train_queue, larder.score_queue, alone)
    assert left.enqueued == artifact.manifest.n_shards - 2
    assert {job.func_name for job in larder.score_queue.jobs} == {SCORE_JOB}
    work(larder.score_queue)
    assert generations.state("g1") == "current"
    assert n_lists(larder.generations, "g1")[0] == N_USERS


def test_a_single_node_that_comes_back_with_an_older_dump_ends_what_was_going_on_then(
    redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is a server of its own, which knows that all jobs were done."""
    with RedisServer() as server:
        settings = _being_scored(server.url, tmp_path, monkeypatch, queue_url=redis_server)
        larder = Larder(settings)
        artifact = open_artifact(settings.artifacts, "g1")
        for shard in range(artifact.manifest.n_shards):
            if shard == 2:
                larder.store.save()
            publish(larder.generations, larder.erasure, make_shard(artifact, shard))
        assert larder.generations.state("g1") == "current"
        server.stop()
        server.start()
        assert (larder.generations.state("g1"), larder.generations.current()) == ("scoring", None)
        (left,) = see_to_abandoned(larder.generations, larder.train_queue, larder.score_queue, settings)
        assert left.enqueued == artifact.manifest.n_shards - 2
        work(larder.score_queue)
        assert larder.generations.state("g1") == "current"
        assert n_lists(larder.generations, "g1")[0] == N_USERS


@pytest.mark.long
@pytest.mark.parametrize("min_replicas", [0, 1])
def test_services_bring_a_run_to_its_end_though_the_primary_is_killed(tmp_path: Path, zygote: Zygote, min_replicas: int) -> None:
    """Three Sentinels; lists, records and both queues on one primary, killed while the replica lags behind."""
    with replicated(tmp_path / "redis", sentinels=3) as pair:
        (tmp_path / "stack").mkdir()
        stack = Services(
            *(pair.url, tmp_path / "stack", zygote),
            interactions="synthetic:20000x2000x400000",
            evaluate=False,
            tune_unasked=False,
            shard_target_s=0.05,
            lease_s=2,
            min_replicas=min_replicas,
            replica_timeout_s=2,
            job_retries=50,
        )
        try:
            stack.start("trainer", "serve")
            stack.start("worker", LARDER_PROCESSES="2")

            def some() -> str | None:
                names = stack.generations.ids()
                progress = stack.generations.progress(names[-1]) if names else None
                return names[-1] if progress and 2 <= progress.shards_recorded < progress.n_shards - 2 else None

            generation = await_that(some, lambda: f"some shards are recorded; {stack.logs()}")
            pair.hold()
            progress = stack.generations.progress(generation)
            assert progress is not None
            if not min_replicas:  # more is recorded, which the replica never hears of
                n = progress.shards_recorded
                await_that(lambda: stack.redis.hlen(stack.keys.shards(generation)) > n, lambda: f"another shard; {stack.logs()}")
            fail_over(pair)
            if min_replicas:
                _come_back(pair.primary)
            await_that(lambda: _state(stack, generation) == "current", lambda: f"it is promoted; {stack.logs()}", 200)
            manifest = stack.generations.manifest(generation)

            def is_whole() -> bool:
                held = [stack.redis.hlen(stack.keys.recs(generation, bucket)) for bucket in range(manifest.n_user_buckets)]
                return sum(int(n) for n in held) == manifest.n_users

            await_that(is_whole, lambda: f"it is whole; {stack.logs()}", 100)
        finally:
            stack.close()


def _come_back(primary: Server) -> None:
    """As a replica, which the Sentinels make of it."""
    primary.start()
    await_that(lambda: primary.client.info("replication")["role"] == "slave", "the Sentinels have turned it")


def _state(stack: Services, generation: str) -> str:
    try:
        return stack.generations.state(generation)
    except RedisError:
        return ""
