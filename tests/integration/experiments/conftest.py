"""What tests of experiments share: moves of the generations that a module makes, settings without grace, and the API in this process."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from contract.experiments.moves import Experiments
from contract.settings.settings import Settings
from contract.store.generations import Generations


@pytest.fixture(autouse=True)
def salts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th experiment of a test has the same salt in each run, so its users fall into the same arms; it is another salt for each n."""
    n = count()
    same = SimpleNamespace(token_hex=lambda n_bytes: blake2b(str(next(n)).encode(), digest_size=n_bytes).hexdigest())
    monkeypatch.setattr("contract.experiments.moves.secrets", same)


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
