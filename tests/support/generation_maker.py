"""Generations with lists that the workers' own code has written, from artifacts that the trainer's own code has made."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from redis import Redis

from contract.artifacts.artifact import open_artifact
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.verdict import Verdict
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from tests.support.models.fitting import Event, interactions_of
from tests.support.models.samples import many
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from worker.publishing import publish
from worker.shard import make_shard

SECRET = "a secret of the tests"


def settings_for(url: str, artifacts: str, **fields: object) -> Settings:
    """Settings of a small model of 400 users and 150 items; `fields` replace what they say."""
    given = {"redis_url": url, "artifacts": artifacts, "evaluate": False, "erasure_secret": SECRET, "depth": 12, "k": 5, "similar_depth": 4}
    return Settings.from_environ({}, **{**given, **fields})


def make_generation(
    redis: Redis, settings: Settings, generation: str, events: Iterable[Event] | None = None, verdict: Verdict | None = None
) -> Manifest:
    """Fit `events`, begin `generation`, write every shard; what the workers promote is promoted."""
    keys = Keys(settings.namespace)
    generations = Generations(redis, keys)
    erasure = Erasure(redis, keys, settings.erasure_secret.get_secret_value())
    interactions = interactions_of(many() if events is None else events)
    manifest = make_artifact(RunSpec(generation, settings), interactions, lambda _stage, _done, _total: None)
    generations.begin(manifest, verdict, revision=erasure.revision())
    artifact = open_artifact(settings.artifacts, generation)
    for shard in range(manifest.n_shards):
        publish(generations, erasure, make_shard(artifact, shard))
    return manifest


def in_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs, which know no other settings, find these."""
    monkeypatch.setenv("LARDER_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("LARDER_ARTIFACTS", settings.artifacts)
    monkeypatch.setenv("LARDER_ERASURE_SECRET", settings.erasure_secret.get_secret_value())


def n_lists(generations: Generations, generation: str) -> tuple[int, int]:
    """How many lists Redis holds: of users and of items."""
    redis, keys, manifest = generations.redis, generations.keys, generations.manifest(generation)
    users = sum(int(redis.hlen(keys.recs(generation, bucket))) for bucket in range(manifest.n_user_buckets))
    items = sum(int(redis.hlen(keys.similar(generation, bucket))) for bucket in range(manifest.n_item_buckets))
    return users, items


def evaluation(ndcg: float, popularity: float, k: int = 10) -> dict[str, object]:
    """What a manifest says of a model whose measures are all `ndcg`."""
    model, baseline = (dict.fromkeys(("precision", "recall", "ndcg", "map", "coverage"), value) for value in (ndcg, popularity))
    counts = {"sample_users": 5000, "n_users_evaluated": 9, "n_users_total": 9, "n_train": 9, "n_test": 9, "seconds": 1.0}
    lists = {"gini": 0.75, "popularity": 0.3, "long_tail": 0.125, "novelty": 4.5, "diversity": 0.625, "serendipity": 0.0625}
    return {"k": k, "split": "time", **counts, "model": model, "popularity": baseline, "beyond": lists}
