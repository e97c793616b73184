from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from tests.support.fakes import Clock, FakeRedis


@pytest.fixture
def fake() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(fake: FakeRedis, clock: Clock) -> Store:
    """Believes a pointer for 500 ms of `clock`."""
    return Store(fake.clients, Keys(), pointer_ttl_s=0.5, clock=clock)


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return create_app(Settings(), store).test_client()
