"""A tune measures lists as the run would serve them: diverse, and with a penalty on popularity."""

from __future__ import annotations

import numpy as np
import pytest

from contract.settings.settings import ModelSettings
from engine.linear.matrix import Limits, Shape
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from trainer.evaluation.moment import Cut, cut
from trainer.interactions.interactions import Interactions
from trainer.tuning import budget
from trainer.tuning.diverse import MOST_USERS, measure_strengths
from trainer.tuning.grid import Candidate, default_of
from trainer.tuning.trial import Trial

POPULARITY = Candidate({"model": "popularity"})


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    return interactions_of(many())


@pytest.fixture(scope="module")
def found(interactions: Interactions) -> Cut:
    held_out = cut(interactions, MOST_USERS)
    assert held_out is not None
    return held_out


def mean(found: Cut, candidate: Candidate, **ranking: float) -> float:
    trial = Trial(found.held, ModelSettings.model_validate(ranking), threads=2, limit_bytes=2**30)
    return float(np.mean(trial.ndcg(candidate, MOST_USERS)))


@pytest.mark.parametrize("model", ["sar", "ease"])
def test_a_candidate_is_measured_with_the_strengths_of_the_run(model: str, interactions: Interactions, found: Cut) -> None:
    base = ModelSettings.model_validate({"model": model})
    strengths = measure_strengths(interactions, base, threads=2, limit_bytes=2**30).tried
    plain, by = strengths[0].ndcg, {(each.diversity, each.popularity_penalty): each.ndcg for each in strengths}
    for diversity, penalty in ((0.0, 0.0), (0.7, 0.0), (0.0, 0.4), (0.3, 0.2)):
        measured = mean(found, Candidate({"model": model}), diversity=diversity, popularity_penalty=penalty)
        assert measured == pytest.approx(by[diversity, penalty], abs=2e-6)
    assert len({plain, by[0.7, 0.0], by[0.0, 0.4]}) == 3


def test_popularity_is_measured_as_it_would_be_served(found: Cut) -> None:
    plain = mean(found, POPULARITY)
    assert mean(found, POPULARITY, diversity=0.7) == plain  # it has no weights, so that its lists stay
    assert mean(found, POPULARITY, popularity_penalty=2.0) < plain


def test_a_budget_knows_that_diverse_lists_take_longer() -> None:
    shape, limits = Shape(100_000, 3000, 5_000_000, 1e9), Limits(4 * 2**30, 2)
    planned = [
        budget.plan(ModelSettings(k=200, diversity=share), shape, has_times=True, cuts=1, budget_s=120, limits=limits)
        for share in (0.0, 0.3)
    ]
    assert (planned[1].share, len(planned[1].grid.matrices)) < (planned[0].share, len(planned[0].grid.matrices))


def test_the_run_s_own_settings_have_them_too(found: Cut) -> None:
    base = ModelSettings(diversity=0.7)
    assert mean(found, default_of(base), diversity=0.7) == mean(found, Candidate({"model": "sar"}), diversity=0.7)
