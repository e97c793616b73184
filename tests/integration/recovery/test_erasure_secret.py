"""The erasure secret is lost or changed: nothing is made that could bring erased users back, and why is said. What is served stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.replicas.lost import told
from tests.support.generation_maker import SECRET, in_environment, make_generation, n_lists, settings_for
from tests.support.working import heal
from trainer.erasure.erase import erase
from trainer.service.keeping import Keeping

KEYS = Keys()
SAID = {
    "": "users have been erased, and LARDER_ERASURE_SECRET is not set",
    "another secret": "LARDER_ERASURE_SECRET is not the secret with which",
}


@pytest.fixture
def settings(redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of g1, from which a user is erased."""
    made = settings_for(redis_server, f"file://{tmp_path}/artifacts")
    make_generation(store_redis, made, "g1")
    erase(made, store_redis, 7, lambda: None)
    in_environment(made, monkeypatch)
    return made


@pytest.mark.parametrize("secret", SAID)
def test_lost_lists_are_made_again_once_the_secret_is_right(
    settings: Settings, store_redis: Redis, monkeypatch: pytest.MonkeyPatch, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LARDER_ERASURE_SECRET", secret)
    larder = Larder(Settings.from_environ({}, **{**settings.model_dump(include={"redis_url", "artifacts"}), "erasure_secret": secret}))
    keeping = Keeping(larder)
    keeping.announce()
    assert SAID[secret] in caplog.text
    store_redis.delete(KEYS.recs("g1", 0))
    heal(larder)
    (lost,) = told(store_redis, KEYS)
    assert SAID[secret] in lost.why
    assert not store_redis.exists(KEYS.recs("g1", 0))
    monkeypatch.setenv("LARDER_ERASURE_SECRET", SECRET)
    heal(Larder(settings))
    pointer = larder.generations.current()
    assert pointer is not None
    assert n_lists(larder.generations, "g1")[0] == pointer.n_users == 399
