"""Two hosts that share no disk, an object store, a cluster with replicas and a queue behind Sentinels: lists are those of one machine, and
a retrain under load ends promoted though a primary and a whole host die in the middle of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from redis import Redis

from contract.formats.keys import Keys, bucket_of
from contract.formats.states import GenerationState
from contract.store.cluster.address import slot_of
from contract.store.generations import Generations
from tests.support.load import TIMEOUT_S, under_load
from tests.support.servers.cluster import Cluster, cluster
from tests.support.servers.host import Host
from tests.support.servers.replicated import Replicated, replicated
from tests.support.servers.services import Services, await_that
from tests.support.servers.zygote import Zygote

N_USERS, N_ITEMS, PER_USER = 20_000, 2000, 20
REQUESTS_PER_S = 150
SENTINELS = 3
GIB = 2**30
SETTINGS: dict[str, object] = {"time_column": "", "shard_target_s": 0.02, "lease_s": 2, "evaluate": False, "tune_unasked": False}


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path / "cluster", replicas=3) as made:
        yield made


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Replicated]:
    with replicated(tmp_path / "queue", sentinels=SENTINELS) as made:
        yield made


@pytest.fixture
def interactions(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the file of which every item carries the tag."""

    def write(tag: str) -> Path:
        random = np.random.default_rng(len(tag) + ord(tag[-1]))
        user = np.repeat(np.arange(N_USERS), PER_USER)
        item = random.integers(0, N_ITEMS, user.size)
        frame = pl.DataFrame({"userID": user, "itemID": [f"{tag}-{number}" for number in item], "rating": 1.0})
        path, aside = tmp_path / "interactions.csv", tmp_path / "next.csv"
        frame.unique(["userID", "itemID"], maintain_order=True).write_csv(aside)
        return aside.rename(path)

    return write


@pytest.fixture
def hosts(
    nodes: Cluster, queue: Replicated, place: str, tmp_path: Path, zygote: Zygote, interactions: Callable[[str], Path]
) -> Iterator[list[Host]]:
    more = {"queue_url": queue.url, "min_replicas": 1, "replica_timeout_s": 5.0, "interactions": interactions("t0"), **SETTINGS}
    made = [Host(nodes.url, place, tmp_path / name, zygote, **more) for name in ("a", "b")]
    try:
        yield made
    finally:
        for host in made:
            host.services.close()


def lists_of(redis: Redis, generations: Generations, generation: str) -> list[Any]:
    """All that a generation's lists are in Redis."""
    keys, manifest = generations.keys, generations.manifest(generation)
    users = [redis.hgetall(keys.recs(generation, bucket)) for bucket in range(manifest.n_user_buckets)]
    items = [redis.hgetall(keys.similar(generation, bucket)) for bucket in range(manifest.n_item_buckets)]
    return [users, items, redis.get(keys.popular(generation))]


def of_replicas(nodes: Cluster, keys: Keys, generation: str) -> dict[bytes, dict[bytes, bytes]]:
    """The buckets of a generation's users as replicas have them, each of which is in step with its primary."""
    found: dict[bytes, dict[bytes, bytes]] = {}
    for server in nodes.servers:
        if server.client.info("replication")["role"] == "slave":
            with Redis(port=server.port) as redis:
                redis.execute_command("READONLY")
                for key in redis.scan_iter(f"{keys.namespace}:recs:{generation}:*"):
                    found[key] = redis.hgetall(key)
    return found


def are_in_step(nodes: Cluster) -> bool:
    told = [server.client.info("replication") for server in nodes.servers]
    offsets = sorted(each["master_repl_offset"] for each in told)
    replicas = [each for each in told if each["role"] == "slave"]
    return len(replicas) == 3 and all(each["master_link_status"] == "up" for each in replicas) and offsets[::2] == offsets[1::2]


def pss_bytes() -> int:
    """Of all processes that this one has started, and what they have."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


@pytest.mark.long
def test_a_retrain_under_load_ends_whole_though_a_primary_and_a_host_die(
    services: Callable[..., Services],
    hosts: list[Host],
    nodes: Cluster,
    interactions: Callable[[str], Path],
) -> None:
    here, there = hosts
    stack = here.services
    generations, keys = stack.generations, stack.keys
    there.services.start("worker")
    stack.start("worker")
    stack.start("trainer", "serve")  # finds nothing promoted, and sees to it
    first = await_that(generations.current, lambda: f"a first run is promoted\n{stack.logs()}{there.services.logs()}")

    alone = services(interactions=interactions("t0"), **SETTINGS)
    worker = alone.start("worker")
    assert alone.run("run", "--here", "--wait").returncode == 0, alone.logs()
    worker.terminate()
    one = alone.generations.current()
    assert one is not None
    assert lists_of(stack.redis, generations, first.generation) == lists_of(alone.redis, alone.generations, one.generation)

    home = {user: slot_of(("GET", keys.recs(first.generation, bucket_of(user, first.n_user_buckets)))) for user in range(N_USERS)}
    control = nodes.of_key(keys.current)
    dead = next(server for server in nodes.primaries if server is not control)
    hit = {user for user, slot in home.items() if slot is not None and nodes.with_slot(slot) is dead}
    assert 0 < len(hit) < N_USERS

    def recorded() -> str | None:
        """The run whose shards are being scored, with some done and some to do."""
        for generation in generations.ids():
            progress = generations.progress(generation)
            if generation != first.generation and progress and 0 < progress.shards_recorded < progress.n_shards - 3:
                return generation
        return None

    with (
        here.api() as api,
        there.api() as other,
        under_load(api.port, list(range(N_USERS)), REQUESTS_PER_S) as report,
        under_load(other.port, list(range(N_USERS)), REQUESTS_PER_S) as lost,
    ):
        interactions("t1")
        run = stack.start("trainer", "run", "--wait", "--force")
        second = await_that(recorded, lambda: f"a generation is being scored\n{stack.logs()}")
        killed = time.time()
        dead.kill()
        there.die()
        replica = nodes.replicas[nodes.primaries.index(dead)]
        await_that(lambda: replica.client.info("replication")["role"] == "master", "the replica has its primary's slots")
        await_that(lambda: all(api.ask(user).status_code == 200 for user in list(hit)[:20]), "they are served")
        served = time.time()
        n_bytes = pss_bytes()
        dead.start()  # as whoever looks after servers does
        assert run.wait(300) == 0, stack.logs()
        await_that(lambda: api.ask(1).json()["generation"] == second, "the new lists are served")

    assert generations.state(second) == GenerationState.CURRENT
    assert report.mixed == lost.mixed == []
    assert len(report.refused) == len(report.failures)
    unexcused = [each for each in report.refused if not (killed < each.at + TIMEOUT_S and each.at < served and hit & set(each.user_ids))]
    assert [(each.at - killed, each.at - served, hit & set(each.user_ids), each) for each in unexcused] == []
    assert [each for each in lost.refused if each.at + TIMEOUT_S < killed] == []
    assert {report.tags[first.generation], report.tags[second]} == {"t0", "t1"}
    await_that(lambda: are_in_step(nodes), "replicas have what their primaries have")
    buckets = range(generations.manifest(second).n_user_buckets)
    whole = {keys.recs(second, bucket).encode(): stack.redis.hgetall(keys.recs(second, bucket)) for bucket in buckets}
    assert of_replicas(nodes, keys, second) == {key: lists for key, lists in whole.items() if lists}
    assert sum(len(lists) for lists in whole.values()) == N_USERS
    assert n_bytes < 3 * GIB
    print(f"{report.n_requests:,} requests, {len(report.refused)} refused in {served - killed:.1f} s; {n_bytes / GIB:.2f} GiB")
