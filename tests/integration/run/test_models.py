"""Every model from a CSV file to the lists that are served: equal to a few lines of NumPy in float64, and `verify` agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from contract.formats import payload
from contract.formats.keys import bucket_of
from tests.support.models.family_lists import assert_list, expected_scores
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.services import Services

CASES: dict[str, dict[str, object]] = {
    "ease": {"model": "ease", "ridge": 20, "prior_gain": 0.1},
    "ease, neighbors": {"model": "ease", "ridge": 20, "neighbors": 9},
    "edlae": {"model": "edlae", "ridge": 20},
    "itemknn": {"model": "itemknn", "neighbors": 12, "weighting": "tfidf", "shrinkage": 3},
    "rp3beta": {"model": "rp3beta"},
    "slit": {"model": "slit", "ridge": 20, "neighbors": 0},
    "ease and slit": {"model": "ease", "ridge": 20, "blend": "slit"},
    "popularity": {"model": "popularity"},
    "trending": {"model": "trending", "prior_days": 20},
}


QUICK = ("ease and slit",)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "events.csv"
    columns = dict(zip(("userID", "itemID", "rating", "timestamp"), zip(*many(), strict=True), strict=True))
    pl.DataFrame(columns).write_csv(path)
    return path


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in CASES if name not in QUICK)])
def test_lists_that_are_served(services: Callable[..., Services], table: Path, name: str) -> None:
    """All lists of all users, through two shards or more, by a worker of its own."""
    stack = services(interactions=table, depth=12, k=5, similar_depth=4, shard_target_s=0.001, **CASES[name])
    stack.start("worker")
    result = stack.run("run", "--here", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    interactions, model = interactions_of(many()), stack.settings.model_settings
    scores, allowed = expected_scores(interactions, model)
    place = {item: at for at, item in enumerate(interactions.item_ids)}
    pointer = stack.generations.current()
    assert pointer is not None
    manifest = stack.generations.manifest(pointer.generation)
    assert manifest.settings == model
    for user, external in enumerate(interactions.user_ids):
        key = stack.keys.recs(pointer.generation, bucket_of(external, pointer.n_user_buckets))
        raw = cast("bytes", stack.redis.hget(key, str(external)))
        listed = [(place[item], score) for item, score in zip(*payload.decode(raw), strict=True)]
        assert_list(listed, scores[user], allowed[user], 12)
    verified = stack.run("verify", "--sample", "400")
    assert verified.returncode == 0, verified.stdout + verified.stderr
