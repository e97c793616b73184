"""The client of trainer and workers on a real cluster: as one Redis would answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from contract.errors import StoreError
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.cluster.address import CONTROL_SLOT
from contract.store.cluster.client import ClusterRedis
from contract.store.connections import connect, explained
from contract.store.replicas.acknowledged import Acknowledged
from tests.support.servers.cluster import Cluster, command
from tests.support.servers.redis_variants import Server, free_port
from tests.support.servers.services import await_that
from trainer.doctor.doctor import examine

KEYS = Keys()
MANY = [f"larder:many:{at}" for at in range(200)]


@pytest.fixture
def redis(nodes: Cluster) -> Iterator[Redis]:
    with connect(nodes.url) as client:
        yield client


def test_a_pipeline_goes_to_all_servers_and_answers_in_order(redis: Redis, nodes: Cluster) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for at, key in enumerate(MANY):
            pipe.hset(key, "at", str(at))
        assert pipe.execute() == [1] * len(MANY)
        for key in MANY:
            pipe.hgetall(key)
        assert pipe.execute() == [{b"at": str(at).encode()} for at in range(len(MANY))]
    assert all(server.client.dbsize() > 40 for server in nodes.primaries)
    assert {key.decode() for key in redis.scan_iter("larder:many:*")} == set(MANY)
    assert redis.unlink(*MANY, "larder:nobody") == len(MANY)
    assert not any(server.client.dbsize() for server in nodes.primaries)


def test_a_refusal_is_raised_with_the_others_done(redis: Redis) -> None:
    redis.set(MANY[0], "no hash")
    with redis.pipeline(transaction=False) as pipe:
        pipe.hget(MANY[0], "at")
        pipe.set(MANY[1], "1")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            pipe.execute()
    assert redis.get(MANY[1]) == b"1"


def test_a_server_that_refuses_to_delete_is_a_redis_error(redis: Redis, nodes: Cluster) -> None:
    """As one whose disk is full."""
    redis.mset({"{one}a": 1, "{one}b": 2})
    server = nodes.of_key("{one}a")
    try:
        command(server, "ACL", "SETUSER", "default", "-unlink", "-del")
        for remove in (redis.unlink, redis.delete):
            with pytest.raises(ResponseError, match="permission"):
                remove("{one}a", "{one}b")
    finally:
        command(server, "ACL", "SETUSER", "default", "+unlink", "+del")
    assert redis.delete("{one}a") == redis.unlink("{one}b") == 1


def test_a_transaction_has_one_slot(redis: Redis) -> None:
    with redis.pipeline(transaction=True) as pipe:
        pipe.set(KEYS.current, "x")
        pipe.get(KEYS.current)
        assert pipe.execute() == [True, b"x"]
        pipe.set(KEYS.current, "y")
        pipe.set(MANY[0], "y")
        with pytest.raises(TypeError, match="several slots"):
            pipe.execute()
    assert redis.get(KEYS.current) == b"x"


def test_the_time_is_that_of_the_server_with_the_control_keys(redis: Redis, nodes: Cluster) -> None:
    asked = nodes.with_slot(CONTROL_SLOT)
    before = command(asked, "INFO", "commandstats").get("cmdstat_time", {}).get("calls", 0)
    for _ in range(20):
        redis.time()
    assert command(asked, "INFO", "commandstats")["cmdstat_time"]["calls"] - before >= 20


@pytest.mark.parametrize("n_moved", [0, 1])
def test_a_slot_on_its_way_is_written_and_read_at_both_ends(redis: Redis, nodes: Cluster, n_moved: int) -> None:
    """Keys of the control slot: whoever has the key answers, and a new one goes to the server to come."""
    source, acknowledged = nodes.with_slot(CONTROL_SLOT), Acknowledged(KEYS)
    target = next(server for server in nodes.primaries if server is not source)
    old, new = KEYS.generation("old"), KEYS.generation("new")
    redis.hset(old, "state", "current")
    nodes.begin_move(CONTROL_SLOT, source, target)
    try:
        nodes.move_keys(CONTROL_SLOT, source, target, n_moved)
        with redis.pipeline(transaction=False) as pipe:
            pipe.hset(new, "state", "scoring")
            pipe.hget(old, "state")
            pipe.hget(new, "state")
            pipe.incr(MANY[0])  # whose slot stays
            assert pipe.execute() == [1, b"current", b"scoring", 1]
        acknowledged.send(redis, lambda pipe: pipe.hset(KEYS.shards("new"), "0", "written"))
        assert redis.hget(KEYS.shards("new"), "0") == b"written"
        while nodes.move_keys(CONTROL_SLOT, source, target):
            pass
    finally:
        nodes.end_move(CONTROL_SLOT, source, target)
    assert [redis.hget(key, "state") for key in (old, new)] == [b"current", b"scoring"]
    script = redis.register_script("return redis.call('HGET', KEYS[1], 'state')")
    assert script(keys=[old]) == b"current"  # which the new server has not seen before


def test_a_command_that_had_its_answer_is_not_sent_again_for_the_sake_of_another(redis: Redis, nodes: Cluster) -> None:
    """While the slot of the other is with nobody for a moment."""
    waiting, counted = "{one}waiting", next(key for key in MANY if nodes.of_key(key) is not nodes.of_key("{one}"))
    of_waiting, of_counted, slot = nodes.of_key(waiting), nodes.of_key(counted), key_slot(waiting.encode())
    command(of_waiting, "CLUSTER", "DELSLOTS", slot)

    def given_back() -> None:
        await_that(lambda: of_counted.client.get(counted), "the first command has its answer")
        command(of_waiting, "CLUSTER", "ADDSLOTS", slot)

    with ThreadPoolExecutor(1) as beside, redis.pipeline(transaction=False) as pipe:
        giving = beside.submit(given_back)
        pipe.incr(counted)
        pipe.set(waiting, "x")
        answers = pipe.execute()
        giving.result()
    assert answers == [1, True]
    assert (redis.get(counted), redis.get(waiting)) == (b"1", b"x")


def test_where_no_server_answers_the_error_says_what_to_do() -> None:
    url = f"cluster://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with connect(url, retries=1) as client, pytest.raises(StoreError, match="is it up, and is LARDER_REDIS_URL right"), explained(url):
        client.get("x")
    assert time.monotonic() - began < 10


def test_a_server_that_is_not_of_a_cluster_is_a_redis_error(tmp_path: Path) -> None:
    with Server(tmp_path) as alone, connect(f"cluster://127.0.0.1:{alone.port}", retries=1) as client, pytest.raises(RedisError):
        client.get("x")


def test_the_doctor_looks_at_slots_and_at_what_one_dead_server_stops(settings: Settings, nodes: Cluster) -> None:
    said = {finding.subject: finding for finding in examine(settings)}
    assert (said["Redis: its cluster"].level, said["Redis: its cluster"].what) == ("ok", "3 primaries have all 16,384 slots")
    assert said["Redis: its replicas"].level == "ok"
    with connect(nodes.url) as client:
        for server in nodes.primaries:
            server.client.config_set("cluster-require-full-coverage", "yes")
        command(nodes.with_slot(0), "CLUSTER", "DELSLOTS", 0)
        try:
            levels = [each.level for each in examine(settings) if each.subject.startswith("Redis: its cluster")]
            assert levels == ["fail", "warn"]
        finally:
            command(nodes.primaries[0], "CLUSTER", "ADDSLOTS", 0)
            for server in nodes.primaries:
                server.client.config_set("cluster-require-full-coverage", "no")
        cast(ClusterRedis, client).ping()
