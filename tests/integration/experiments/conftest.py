"""What tests of experiments share: moves of the generations that a module makes, settings without grace, and the API in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from contract.experiments.moves import Experiments
from contract.settings.settings import Settings
from contract.store.generations import Generations


@pytest.fixture
def experiments(generations: Generations) -> Experiments:
    """`generations`: a fixture of the module."""
    return Experiments(generations)


@pytest.fixture
def settings(redis_server: str, tmp_path: Path) -> Settings:
    """No grace: what may go, goes at once."""
    return Settings(
        redis_url=redis_server, artifacts=tmp_path.as_uri(), keep_generations=0, erasure_secret=SecretStr("a secret")
    ).model_copy(update={"grace_s": 0, "job_timeout_s": 0.001})


@pytest.fixture
def make(redis_server: str) -> Callable[..., FlaskClient]:
    """Makes a client of an API with these settings."""

    def client(**settings: object) -> FlaskClient:
        return create_app(Settings.model_validate({"redis_url": redis_server, "pointer_ttl_ms": 0, **settings})).test_client()

    return client
