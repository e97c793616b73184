"""A kept winner does for runs whose lists are ranked as those that it was compared on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.formats.manifest import Manifest
from contract.formats.reports.tuned import Tuned, told
from contract.settings.settings import ModelSettings, Settings
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from trainer.interactions.interactions import Interactions
from trainer.run.choice import why_anew
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.tuning.tune import tune

OTHERS: list[dict[str, Any]] = [{}, {"diversity": 0.5}, {"diversity": 0.3, "popularity_penalty": 0.2}]


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    return interactions_of(many())


@pytest.fixture(scope="module")
def kept(interactions: Interactions) -> Tuned:
    """As Redis keeps it."""
    found = tune(interactions, ModelSettings(diversity=0.3), budget_s=0.0, threads=2, limit_bytes=2**30)
    read = Tuned.read(found.model_dump_json().encode())
    assert read is not None
    return read


def test_a_winner_does_while_the_strengths_stay(kept: Tuned, interactions: Interactions) -> None:
    assert why_anew(kept, interactions, Settings(diversity=0.3)) == ""


@pytest.mark.parametrize("given", OTHERS, ids=str)
def test_with_other_strengths_a_run_tunes_anew_and_says_why(given: dict[str, Any], kept: Tuned, interactions: Interactions) -> None:
    said = why_anew(kept, interactions, Settings(**given))
    assert said == "the last winner is of lists with --diversity 0.3 --popularity-penalty 0 --explore 0"


def test_a_run_whose_lists_may_hold_what_users_had_tunes_anew(kept: Tuned, interactions: Interactions) -> None:
    said = why_anew(kept, interactions, Settings(diversity=0.3, exclude_seen=False))
    assert said == "the last winner is of lists without what users had before"
    other = kept.model_copy(update={"exclude_seen": False})
    assert why_anew(other, interactions, Settings(diversity=0.3, exclude_seen=False)) == ""
    assert why_anew(other, interactions, Settings(diversity=0.3)) == "the last winner is of lists with what users had before"


def test_a_comparison_speaks_of_generations_with_its_strengths_alone(kept: Tuned, interactions: Interactions, tmp_path: Path) -> None:
    settings = Settings.from_environ({}, artifacts=tmp_path.as_uri(), evaluate=False, diversity=0.3)
    manifest = make_artifact(RunSpec("g1", settings), interactions, lambda *_: None)

    def of(**given: Any) -> Manifest:
        return manifest.model_copy(update={"settings": ModelSettings(**given)})

    assert kept.speaks_of(of(diversity=0.3))
    assert not any(kept.speaks_of(of(**given)) for given in (*OTHERS, {"diversity": 0.3, "exclude_seen": False}))


def test_a_record_of_before_is_of_plain_lists(kept: Tuned, interactions: Interactions) -> None:
    before = Tuned.model_validate(kept.model_dump(exclude={"diversity", "popularity_penalty"}))
    assert why_anew(before, interactions, Settings()) == ""
    assert why_anew(before, interactions, Settings(diversity=0.3)) != ""


def test_a_winner_is_of_events_of_its_target_alone(kept: Tuned, interactions: Interactions, tmp_path: Path) -> None:
    assert why_anew(kept, interactions, Settings(diversity=0.3, target="buy")) == "the last winner is of events of all types"
    bought = kept.model_copy(update={"target": "buy"})
    assert why_anew(bought, interactions, Settings(diversity=0.3)) == "the last winner is of events of the type 'buy'"
    assert why_anew(bought, interactions, Settings(diversity=0.3, target="buy")) == ""
    settings = Settings.from_environ({}, artifacts=tmp_path.as_uri(), evaluate=False, diversity=0.3)
    manifest = make_artifact(RunSpec("g1", settings), interactions, lambda *_: None)
    assert kept.speaks_of(manifest)
    assert not bought.speaks_of(manifest)
    of_target = manifest.model_copy(update={"reading": {"target": "buy"}})
    assert bought.speaks_of(of_target)
    assert (told(manifest), told(of_target)) == ("sar", "sar of what leads to the event 'buy'")
