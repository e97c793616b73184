"""Artifacts are gone, cut, edited or have other bits: nothing is promoted or made again from them, and what is served is served on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from contract.errors import ArtifactError
from contract.formats.keys import Keys
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.queue.jobs import enqueue_shards
from contract.settings.settings import Settings
from contract.store.replicas.lost import told
from tests.support.generation_maker import SECRET, in_environment, make_generation, settings_for
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.services import Services, await_that
from tests.support.working import heal, work
from trainer.doctor.artifacts import look_at_generations
from trainer.run.beginning import begin
from trainer.run.pipeline import make_artifact
from trainer.run.publishing import kept_artifacts
from trainer.run.spec import RunSpec
from trainer.service.abandoned import see_to_abandoned

KEYS = Keys()


def flip(path: Path, at: float = 0.7) -> None:
    """One bit of its values."""
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * at)] ^= 1
    path.write_bytes(raw)


def edit(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def put_a_file_there(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit of the weights": (lambda folder: flip(folder / "affinity.npy"), "affinity.npy differ from their checksum"),
    "a bit of the similarity": (lambda folder: flip(folder / "similarity.npy"), "similarity.npy differ from their checksum"),
    "a bit of the items": (lambda folder: flip(folder / "indices.npy"), "indices.npy differ from their checksum"),
    "half an array": (lambda folder: (folder / "similarity.npy").write_bytes(b"half"), "it is truncated"),
    "no array": (lambda folder: (folder / "indices.npy").unlink(), "can't be read"),
    "half a manifest": (lambda folder: (folder / "manifest.json").write_text("{"), "is not a manifest"),
    "a manifest of another format": (lambda folder: edit(folder / "manifest.json", format=99), "has format 99"),
    "no folder": (shutil.rmtree, "there is no artifact"),
    "a file in place of the folder": (put_a_file_there, "there is no artifact"),
}


@pytest.fixture
def settings(redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a namespace that serves g1; jobs find the same in the environment."""
    made = settings_for(redis_server, f"file://{tmp_path}/artifacts")
    in_environment(made, monkeypatch)
    make_generation(store_redis, made, "g1")
    return made


@pytest.fixture
def stack(settings: Settings, services: Callable[..., Services]) -> Services:
    return services(erasure_secret=SECRET)


@pytest.mark.long
def test_a_generation_whose_artifact_is_damaged_fails_with_the_reason(settings: Settings, stack: Services, tmp_path: Path) -> None:
    larder, reasons = Larder(settings), {}
    stack.start("worker")
    for number, (name, (damage, _)) in enumerate(CASES.items()):
        generation = f"d{number}"
        manifest = make_artifact(RunSpec(generation, settings), interactions_of(many()), lambda *_: None)
        begin(settings, larder.generations, larder.erasure, generation, Verdict(), token=None)
        damage(tmp_path / "artifacts" / generation)
        enqueue_shards(larder.score_queue, settings, generation, range(manifest.n_shards))
        assert stack.await_state(generation, "failed", "current") == "failed", name
        progress = larder.generations.progress(generation)
        assert progress is not None
        reasons[name] = progress.reason
    assert {name: reason for name, reason in reasons.items() if CASES[name][1] not in reason} == {}
    assert larder.generations.state("g1") == "current"
    await_that(lambda: not list(larder.store.scan_iter("larder:recs:d*")) or None, "nothing of them is left")


def test_lists_are_not_made_again_of_other_bytes(settings: Settings, store_redis: Redis, tmp_path: Path) -> None:
    flip(tmp_path / "artifacts" / "g1" / "similarity.npy")
    store_redis.delete(KEYS.recs("g1", 0))
    larder = Larder(settings)
    heal(larder)
    (lost,) = told(store_redis, KEYS)
    assert "similarity.npy differ from their checksum" in lost.why
    assert not store_redis.exists(KEYS.recs("g1", 0))


def test_a_damaged_manifest_is_named_and_ends_nothing_else(settings: Settings, store_redis: Redis, tmp_path: Path) -> None:
    make_generation(store_redis, settings, "g2")
    (tmp_path / "artifacts" / "g1" / "manifest.json").write_text("{")
    found = [finding.what for finding in look_at_generations(store_redis, settings) if finding.level == "fail"]
    assert found == ["the manifest of g1 is damaged, or of a newer Larder"]
    with pytest.raises(ArtifactError, match="manifest of g1 is damaged"):
        kept_artifacts(settings.artifacts)
    make_generation(store_redis, settings, "g3")
    assert Larder(settings).generations.state("g3") == "current"


def test_a_manifest_that_says_more_users_than_there_are_ends_as_a_failure_that_says_so(settings: Settings, tmp_path: Path) -> None:
    larder = Larder(settings)
    make_artifact(RunSpec("g2", settings), interactions_of(many()), lambda *_: None)
    edit(tmp_path / "artifacts" / "g2" / "manifest.json", n_users=401)
    manifest = begin(settings, larder.generations, larder.erasure, "g2", Verdict(), token=None)
    enqueue_shards(larder.score_queue, settings, "g2", range(manifest.n_shards))
    work(larder.score_queue)
    assert larder.generations.state("g2") == "scoring"
    for _ in range(10):
        see_to_abandoned(larder.generations, larder.train_queue, larder.score_queue, settings)
    progress = larder.generations.progress("g2")
    assert progress is not None
    assert progress.state == "failed"
    assert "400 of 401 users" in progress.reason
    assert larder.generations.state("g1") == "current"
