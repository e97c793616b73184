"""What exploring costs is measured with the lists that are served, beside the same lists without it."""

from __future__ import annotations

import pytest

from contract.settings.settings import ModelSettings
from tests.unit.trainer.evaluation.test_side_by_side import measured

HOW = {"new_items": 20, "similarity": "cooccurrence"}


@pytest.mark.parametrize("k", [10, 4])
def test_the_cost_is_that_of_lists_with_and_without(k: int) -> None:
    plain = measured(ModelSettings(**HOW), k=k)
    exploring = measured(ModelSettings(**HOW, explore=0.5), k=k)
    assert plain.exploration is None
    cost = exploring.exploration
    assert cost is not None
    assert (cost.depth, cost.n_users) == (k, exploring.n_users_evaluated)
    assert cost.old == pytest.approx(plain.model.ndcg, abs=1e-8)
    assert cost.new == pytest.approx(exploring.model.ndcg, abs=1e-8)
    assert cost.difference < 0
    assert exploring.model.coverage > plain.model.coverage


def test_the_gate_compares_a_model_that_explores_with_one_that_does_not() -> None:
    new, old = ModelSettings(**HOW, explore=0.5), ModelSettings(**HOW)
    pair = measured(new, old).against
    assert pair is not None
    assert pair.ndcg is not None
    assert pair.ndcg.difference < 0
