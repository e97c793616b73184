"""A server of a test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.redis_server import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """As in the stacks, which write down what they hold: one that can be stopped and come back with what it knew."""
    with RedisServer(appendonly="yes", appendfsync="everysec") as server:
        yield server
