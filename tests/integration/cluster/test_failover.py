"""A primary is killed while lists are served and while they are written: its replica has its slots a moment later, and all that counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag

import pytest

from contract.artifacts.artifact import open_artifact
from contract.errors import NotReplicatedError
from contract.formats import payload
from contract.formats.keys import Id, bucket_of
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.replicas.lost import Count, Lost
from tests.support.generation_maker import make_generation, settings_for
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.cluster import TIMEOUT_MS, Cluster, cluster
from trainer.run.beginning import begin
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from worker.healing import heal, lost_shards
from worker.publishing import publish
from worker.shard import make_shard

K = 5
BACK_S = 20.0  # a busy machine; on a quiet one it is TIMEOUT_MS and about one second


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path / "cluster", replicas=3) as made:
        yield made


@pytest.fixture
def settings(nodes: Cluster, redis_server: str, tmp_path: Path) -> Settings:
    return settings_for(nodes.url, f"file://{tmp_path}/artifacts", queue_url=redis_server, min_replicas=1, replica_timeout_s=5.0)


def lost_lists(larder: Larder) -> Lost | None:
    count = Count(larder.generations, "g1")
    while count.step():
        pass
    return count.lost()


@pytest.mark.long
def test_errors_are_those_of_the_dead_server_until_its_replica_has_its_slots(nodes: Cluster, settings: Settings) -> None:
    larder = Larder(settings)
    manifest, keys = make_generation(larder.store, settings, "g1"), larder.keys
    larder.acknowledged.settle(larder.store)
    lists: dict[Id, list[Id]] = {}
    for user in range(400):
        raw = larder.store.hget(keys.recs("g1", bucket_of(user, manifest.n_user_buckets)), str(user))
        if isinstance(raw, bytes):
            lists[user] = list(payload.decode(raw)[0][:K])
    home = {user: nodes.of_key(keys.recs("g1", bucket_of(user, manifest.n_user_buckets))) for user in lists}
    control = nodes.of_key(keys.current)
    dead = next(server for server in nodes.primaries if server is not control and server in home.values())
    wrong, errors, slowest = list[Id](), Counter[str](), list[float]()
    ends = Flag()

    def ask(api: ApiProcess, first: int) -> int:
        n, users = 0, list(lists)[first:] + list(lists)[:first]
        while not ends.is_set():
            user = users[n % len(users)]
            began = time.monotonic()
            answer = api.ask(user)
            slowest.append(time.monotonic() - began)
            if answer.status_code != 200:
                errors["of the dead" if home[user] is dead else "of the others"] += 1
            elif [item["item_id"] for item in answer.json()["items"]] != lists[user]:
                wrong.append(user)
            n += 1
        return n

    with ApiProcess(settings.redis_url, LARDER_QUEUE_URL=settings.queue_url) as api, ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask, api, first) for first in (0, 100, 200)]
        try:
            hit = [user for user in lists if home[user] is dead]
            until("lists are asked for", lambda: len(slowest) > 50)
            dead.kill()
            killed = time.monotonic()
            until("errors come", lambda: errors["of the dead"])
            until("the replica serves its slots", lambda: all(api.ask(user).status_code == 200 for user in hit[:20]))
            took = time.monotonic() - killed
            batch = api.post("/recommendations/batch", {"user_ids": list(lists)[:100]})
        finally:
            ends.set()
        assert sum(each.result() for each in asking) > 50
    assert [[item["item_id"] for item in each["items"]] for each in batch.json()["results"]] == [lists[user] for user in list(lists)[:100]]
    assert (wrong, errors["of the others"]) == ([], 0)
    assert TIMEOUT_MS / 1000 < took < BACK_S
    assert lost_shards(larder.generations, open_artifact(settings.artifacts, "g1")) == []


@pytest.mark.long
def test_what_replicas_have_acknowledged_outlives_the_primary_that_was_written_to(nodes: Cluster, settings: Settings) -> None:
    """A shard of its slots fails while nobody else has what it wrote; tried again once the server is back, all of it is there."""
    larder = Larder(settings)
    make_artifact(RunSpec("g1", settings), interactions_of(many()), lambda *_: None)
    begin(settings, larder.generations, larder.erasure, "g1", Verdict(), token=None)
    artifact = open_artifact(settings.artifacts, "g1")
    n_shards = artifact.manifest.n_shards
    assert n_shards > 2
    dead = nodes.of_key(larder.keys.recs("g1", 0))
    refused = []
    for shard in range(n_shards):
        if shard == n_shards // 2:
            dead.kill()
        made = make_shard(artifact, shard)
        try:
            publish(larder.generations, larder.erasure, made)
        except NotReplicatedError:
            refused.append(shard)
            assert larder.generations.state("g1") == "scoring"
            dead.start()
            until("it is back as a replica", lambda: dead.client.info("replication").get("master_link_status") == "up")
            publish(larder.generations, larder.erasure, made)
    assert len(refused) == 1
    assert larder.generations.state("g1") == "current"
    assert lost_lists(larder) is None
    assert lost_shards(larder.generations, artifact) == []


@pytest.mark.long
def test_lists_that_a_server_without_its_data_lacks_are_made_again(nodes: Cluster, settings: Settings) -> None:
    larder = Larder(settings)
    make_generation(larder.store, settings, "g1")
    artifact, keys = open_artifact(settings.artifacts, "g1"), larder.keys
    buckets = range(artifact.manifest.n_user_buckets)
    before = [larder.store.hgetall(keys.recs("g1", bucket)) for bucket in buckets]
    emptied = next(server for server in nodes.primaries if server is not nodes.of_key(keys.current))
    emptied.client.flushall()
    lost = lost_shards(larder.generations, artifact)
    assert lost
    for shard in lost:
        heal(larder.generations, larder.erasure, make_shard(artifact, shard))
    assert [larder.store.hgetall(keys.recs("g1", bucket)) for bucket in buckets] == before
    assert lost_shards(larder.generations, artifact) == []
