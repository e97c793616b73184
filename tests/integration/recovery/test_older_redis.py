"""Redis comes back as it was some generations ago, and their artifacts are pruned: it serves what it has, and the way on is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contract.artifacts.artifact import artifacts_in
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.removal import retire
from tests.support.generation_maker import in_environment, make_generation, n_lists, settings_for
from tests.support.models.samples import many
from tests.support.servers.redis_server import RedisServer
from tests.support.working import work
from trainer.doctor.artifacts import look_at_generations
from trainer.doctor.finding import Finding
from trainer.erasure.erase import erase
from trainer.run.publishing import publish
from trainer.service.retention import prune

KEYS = Keys()


@pytest.fixture
def settings(server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_for(server.url, f"file://{tmp_path}/artifacts", keep_generations=0)
    in_environment(made, monkeypatch)
    return made


@pytest.fixture
def larder(server: RedisServer, settings: Settings, tmp_path: Path) -> Larder:
    """Of a Redis that knows g1 and g2, beside artifacts of g3 and g4, from which a user was erased since then."""
    larder = Larder(settings)
    for name in ("g1", "g2"):
        make_generation(larder.store, settings, name)
    server.stop_gently()
    (file,) = server.append_only_files("*.manifest")
    shutil.copytree(file.parent, tmp_path / "an hour ago")
    server.start()
    for name in ("g3", "g4"):
        make_generation(larder.store, settings, name)
    erase(settings, larder.store, 7, lambda: None)
    for name in ("g1", "g2"):
        retire(larder.generations, name, 0, 3600)
    prune(larder.generations, larder.runs, settings)
    assert artifacts_in(settings.artifacts) == ["g3", "g4"]
    server.stop_gently()
    shutil.rmtree(file.parent)
    shutil.copytree(tmp_path / "an hour ago", file.parent)
    server.start()
    return larder


def findings(larder: Larder) -> dict[str, Finding]:
    return {finding.subject: finding for finding in look_at_generations(larder.store, larder.settings)}


def served(larder: Larder) -> str:
    pointer = larder.generations.current()
    assert pointer is not None
    assert n_lists(larder.generations, pointer.generation)[0] == pointer.n_users
    return pointer.generation


def test_it_serves_what_it_has_and_says_what_it_lacks(larder: Larder) -> None:
    assert served(larder) == "g2"
    found = findings(larder)
    assert "has g1, g2, and" in found["artifacts and namespace"].what
    assert "does not know g3, g4" in found["artifacts and namespace"].what
    assert "restored from older data" in found["artifacts and namespace"].advice
    assert "1 were erased from g3, g4, and Redis remembers 0" in found["erased users"].what
    larder.generations.roll_back("a test")
    assert served(larder) == "g1"


def test_the_newest_artifact_is_served_again_and_a_later_run_after_it(larder: Larder) -> None:
    publish(larder, "g4", lambda: None)
    work(larder.score_queue)
    assert served(larder) == "g4"
    assert "erased users" in findings(larder)
    erase(larder.settings, larder.store, 7, lambda: None)
    assert "erased users" not in findings(larder)
    make_generation(larder.store, larder.settings, "g5", [event for event in many() if event[0] != 7])
    assert served(larder) == "g5"


def test_a_run_is_served_at_once_and_nothing_that_is_strange_is_deleted(larder: Larder) -> None:
    make_generation(larder.store, larder.settings, "g5")
    assert served(larder) == "g5"
    prune(larder.generations, larder.runs, larder.settings)
    assert artifacts_in(larder.settings.artifacts) == ["g3", "g4", "g5"]
