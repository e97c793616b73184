"""`larder doctor` on a server with a replica."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from redis import Redis

from contract.settings.settings import Settings
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.replicated import replicated
from trainer.doctor.replicas import look_at_replicas


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with replicated(tmp_path_factory.mktemp("pair")) as pair:
        yield pair.primary.client


@pytest.mark.parametrize(
    ("wanted", "level", "said"),
    [(0, "warn", "1 in step, and nobody waits for them"), (1, "ok", "1 in step, 1 are waited for"), (2, "fail", "1 in step, and .* is 2")],
)
def test_replicas_are_those_that_are_waited_for(primary: Redis, wanted: int, level: str, said: str) -> None:
    found = look_at_replicas(primary, Settings(min_replicas=wanted))
    assert found.level == level
    assert re.match(said, found.what)


def test_a_single_node_is_well_unless_a_replica_is_waited_for() -> None:
    with RedisServer() as server, Redis.from_url(server.url) as redis:
        assert look_at_replicas(redis, Settings()).level == "ok"
        assert look_at_replicas(redis, Settings(min_replicas=1)).level == "fail"
