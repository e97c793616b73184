"""`--model auto` from a CSV file to lists: the winner is fitted, kept, and replaced when told; and who did not ask hears of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.reports.tuned import Tuned, chosen_options
from contract.settings.settings import ModelSettings
from contract.store.tunings import Tunings
from tests.support.builders import make_manifest
from tests.support.models.fitting import Event
from tests.support.models.samples import chains, popular
from tests.support.servers.services import Services, await_that
from tests.unit.trainer.cli.test_tune_table import tuned
from trainer.run.comparison import is_due


def table(folder: Path, events: list[Event]) -> Path:
    path = folder / "events.csv"
    pl.DataFrame(dict(zip(("userID", "itemID", "rating", "timestamp"), zip(*events, strict=True), strict=True))).write_csv(path)
    return path


def served(stack: Services) -> Manifest:
    pointer = stack.generations.current()
    assert pointer is not None
    return stack.generations.manifest(pointer.generation)


@pytest.mark.long
def test_auto_fits_the_winner_keeps_to_it_and_replaces_it_when_told(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(interactions=table(tmp_path, chains()), model="auto", k=5)
    stack.start("worker")
    first = stack.run("run", "--here", "--wait")
    assert first.returncode == 0, first.stderr + stack.logs()
    assert "chosen by a tune" in first.stdout
    manifest, tunings = served(stack), Tunings(stack.redis, stack.keys)
    kept = tunings.latest()
    assert kept is not None
    assert manifest.tuning is not None
    assert "slit" in (manifest.settings.model, manifest.settings.blend)
    assert manifest.settings.k == 5
    assert chosen_options(manifest.settings) == kept.winner.options == manifest.tuning["winner"]["options"]
    assert stack.run("verify", "--sample", "100").returncode == 0
    second = stack.run("run", "--here", "--wait")
    assert second.returncode == 0, second.stderr
    assert served(stack).generation != manifest.generation
    assert served(stack).tuning == manifest.tuning
    tunings.keep(kept.model_copy(update={"tuned_at": "2020-01-01T00:00:00Z"}))
    third = stack.run("run", "--here", "--wait", "--retune")
    assert third.returncode == 0, third.stderr
    again = tunings.latest()
    assert again is not None
    assert again.tuned_at >= kept.tuned_at
    assert again.winner == kept.winner


@pytest.mark.long
def test_a_first_run_that_popularity_beats_goes_on_with_auto_and_says_so(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(interactions=table(tmp_path, popular()), evaluate=True, tune_unasked=True)
    stack.start("worker")
    result = stack.run("run", "--here", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    assert "popularity alone is better than sar" in result.stdout.replace("\n", " ")
    manifest = served(stack)
    assert manifest.evaluation is not None
    assert chosen_options(manifest.settings) != {}
    assert manifest.tuning is not None
    assert manifest.tuning["winner"]["ndcg"] >= manifest.tuning["popularity"]["ndcg"]


@pytest.mark.long
def test_after_a_promotion_other_models_are_compared_and_status_says_which_is_better(
    services: Callable[..., Services], tmp_path: Path
) -> None:
    stack = services(interactions=table(tmp_path, chains()), tune_unasked=True)
    stack.start("worker")
    stack.start("trainer", "serve")
    found = await_that(Tunings(stack.redis, stack.keys).latest, "other models are compared with the first generation")
    assert served(stack).settings == ModelSettings()
    assert found.is_better
    said = stack.run("status").stdout
    assert "make retrain ARGS" in said
    assert "slit" in said


@pytest.mark.parametrize(
    ("found", "due"),
    [
        (None, True),
        ({}, False),
        ({"source": "another"}, True),
        ({"n_interactions": 10}, True),
        ({"default": tuned().default.model_copy(update={"options": {"model": "ease"}})}, True),
    ],
)
def test_a_comparison_is_due_once_for_the_same_settings_source_and_size(
    store_redis: Redis, found: dict[str, object] | None, due: bool
) -> None:
    manifest = make_manifest("g1").model_copy(update={"source": "a", "n_interactions": 100})
    tunings = Tunings(store_redis, Keys("larder"))
    if found is not None:
        tunings.keep(Tuned.model_validate(tuned(source="a", n_interactions=100).model_copy(update=found).model_dump()))
    assert is_due(manifest, tunings) is due
    assert not is_due(manifest.model_copy(update={"tuning": tuned().model_dump()}), tunings)


def test_one_of_several_trainers_compares_and_what_another_version_kept_counts_as_nothing(store_redis: Redis) -> None:
    tunings = Tunings(store_redis, Keys("larder"))
    assert tunings.claim("g1")
    assert not tunings.claim("g1")
    tunings.release("g1")
    assert tunings.claim("g1")
    store_redis.set(Keys("larder").tuned, '{"format": 99}')
    assert tunings.latest() is None
