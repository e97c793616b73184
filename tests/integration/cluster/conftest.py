"""A cluster without replicas for all tests that kill nobody, and what a test finds in it: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.larder import Larder
from contract.settings.settings import Settings
from tests.support.generation_maker import make_generation, settings_for
from tests.support.servers.cluster import Cluster, cluster


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def nodes(running: Cluster) -> Cluster:
    running.empty()
    return running


@pytest.fixture
def settings(nodes: Cluster, redis_server: str, tmp_path: Path) -> Settings:
    return settings_for(nodes.url, f"file://{tmp_path}/artifacts", queue_url=redis_server)


@pytest.fixture
def larder(settings: Settings) -> Iterator[Larder]:
    """With a generation, g1, that is served: 400 users, in several buckets."""
    made = Larder(settings)
    make_generation(made.store, settings, "g1")
    yield made
    made.store.close()
