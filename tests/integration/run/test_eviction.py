"""A Redis that deletes lists when it is full: no run begins there, and status and metrics name it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services


@pytest.mark.long
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_no_run_begins_where_lists_may_be_deleted(
    services: Callable[..., Services], redis_server: str, store_redis: Redis, policy: str
) -> None:
    stack = services(interactions="synthetic:200x100x3000")
    store_redis.config_set("maxmemory-policy", policy)
    try:
        refused = stack.run("run", "--here")
        assert refused.returncode == 6
        assert f"deletes lists when it is full (maxmemory-policy {policy})" in " ".join(refused.stderr.split())
        assert stack.generations.ids() == []
        assert policy in stack.run("status").stdout
        with ApiProcess(redis_server) as api:
            assert "larder_store_evicts 1.0" in api.get("/metrics").text
    finally:
        store_redis.config_set("maxmemory-policy", "noeviction")
    with ApiProcess(redis_server) as api:
        assert "larder_store_evicts 0.0" in api.get("/metrics").text
    assert stack.run("run", "--here").returncode == 0
    assert "deletes lists" not in stack.run("status").stdout
