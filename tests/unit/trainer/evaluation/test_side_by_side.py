"""The served model beside the new one, on the same held-out events of the same users."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contract.formats.evaluation import Evaluation
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.paired import paired
from trainer.evaluation.per_user import per_user
from trainer.evaluation.side_by_side import Served, errors_of
from trainer.fitting.fit_model import Made, fit_model
from trainer.interactions.interactions import Interactions

EASE = ModelSettings(model="ease", normalize=False)


def measured(settings: ModelSettings, served: ModelSettings | None = None, *, k: int = 10, order: int = 1) -> Evaluation:
    found = evaluate(
        interactions_of(many(7)[::order]),
        settings,
        k=k,
        sample_users=1000,
        threads=2,
        limit_bytes=2**30,
        report=lambda _done, _total: None,
        served=Served("g0", served) if served else None,
    )
    assert isinstance(found, Evaluation)
    return found


@pytest.mark.parametrize(("k", "order"), [(10, 1), (10, -1), (3, 1), (25, 1)])
def test_both_are_measured_at_ten_whatever_k_and_the_order_of_rows(k: int, order: int) -> None:
    pair = measured(ModelSettings(), EASE, k=k, order=order).against
    new, old = measured(ModelSettings()), measured(EASE)
    assert pair is not None
    assert pair.generation == "g0"
    assert pair.ndcg is not None
    assert (pair.ndcg.depth, pair.ndcg.n_users) == (10, new.n_users_evaluated)
    assert pair.ndcg.new == pytest.approx(new.model.ndcg, abs=1e-8)
    assert pair.ndcg.old == pytest.approx(old.model.ndcg, abs=1e-8)
    assert pair.ndcg.difference == pytest.approx(new.model.ndcg - old.model.ndcg, abs=2e-8)
    assert pair.ndcg.low < pair.ndcg.difference < pair.ndcg.high


def test_each_third_of_the_users_is_compared_by_itself() -> None:
    pair = measured(ModelSettings(), EASE).against
    assert pair is not None
    assert pair.ndcg is not None
    assert list(pair.thirds) == ["least", "middle", "most"]
    assert sum(third.n_users for third in pair.thirds.values()) == pair.ndcg.n_users
    whole = sum(third.n_users * third.difference for third in pair.thirds.values()) / pair.ndcg.n_users
    assert whole == pytest.approx(pair.ndcg.difference, abs=1e-7)
    assert all(third.low <= third.difference <= third.high for third in pair.thirds.values())


@pytest.mark.parametrize("other", [{"k": 5}, {"depth": 90}, {"boosts": "New=2"}, {"exclude_seen": False}, {"explain_depth": 3}])
def test_what_makes_the_same_lists_is_not_fitted_again(other: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[ModelSettings] = []

    def counted(interactions: Interactions, model: ModelSettings, *args: Any, **how: Any) -> Made:
        fits.append(model)
        return fit_model(interactions, model, *args, **how)

    monkeypatch.setattr("trainer.evaluation.evaluate.fit_model", counted)
    pair = measured(ModelSettings(), ModelSettings(**other)).against
    assert len(fits) == 1
    assert pair is not None
    assert pair.ndcg is not None
    assert (pair.ndcg.difference, pair.ndcg.standard_error, pair.ndcg.errors) == (0, 0, 0)
    measured(ModelSettings(), ModelSettings(similarity="cosine"))
    assert [model.similarity for model in fits[1:]] == ["jaccard", "cosine"]


def test_both_may_hold_what_users_had_or_neither() -> None:
    """As the new settings say: else lists that leave out what is to be found would be held against lists that don't."""
    again = ModelSettings(exclude_seen=False)
    pair = measured(again, EASE).against
    assert pair is not None
    assert pair.ndcg is not None
    assert pair.ndcg.old == pytest.approx(measured(EASE.model_copy(update={"exclude_seen": False})).model.ndcg, abs=1e-8)
    assert pair.ndcg.new == pytest.approx(measured(again).model.ndcg, abs=1e-8)


def test_diverse_lists_of_other_depths_are_other_lists() -> None:
    """Which items are in a pool follows from the depth; so do the ten that are measured."""
    diverse = ModelSettings(diversity=0.9)
    same, deeper, plain = (
        measured(diverse, ModelSettings(**other)).against for other in ({"diversity": 0.9}, {"diversity": 0.9, "depth": 90}, {})
    )
    assert same is not None and deeper is not None and plain is not None  # noqa: PT018
    assert same.ndcg is not None and deeper.ndcg is not None and plain.ndcg is not None  # noqa: PT018
    assert same.ndcg.difference == 0
    assert deeper.ndcg.difference != 0
    assert plain.ndcg.difference < 0


def test_a_served_model_that_these_interactions_can_t_have_is_said() -> None:
    without = evaluate(
        *(interactions_of(many(7), times=False), ModelSettings()),
        k=10,
        sample_users=1000,
        threads=2,
        limit_bytes=2**30,
        report=lambda _done, _total: None,
        served=Served("g0", ModelSettings(model="slit", normalize=False)),
    )
    assert isinstance(without, Evaluation)
    assert without.against is not None
    assert without.against.ndcg is None
    assert "time" in without.against.reason


def test_popularity_is_compared_user_by_user() -> None:
    found = measured(ModelSettings(), k=5)
    assert found.beside_popularity is not None
    assert found.beside_popularity.depth == 5
    assert found.beside_popularity.new == pytest.approx(found.model.ndcg, abs=1e-8)
    assert found.beside_popularity.old == pytest.approx(found.popularity.ndcg, abs=1e-8)


def test_errors_are_those_of_means_over_users() -> None:
    users, wanted = np.arange(3), np.array([7, 8, 9])
    each = per_user(users, wanted, users, np.array([[7, 1], [1, 8], [1, 2]]))
    found = errors_of(each)
    assert found.precision == pytest.approx(np.std([0.5, 0.5, 0], ddof=1) / np.sqrt(3), abs=1e-8)
    assert found.recall == pytest.approx(np.std([1, 1, 0], ddof=1) / np.sqrt(3), abs=1e-8)
    assert found.ndcg == pytest.approx(paired(each.ndcg, np.zeros(3)).standard_error, abs=1e-8)
