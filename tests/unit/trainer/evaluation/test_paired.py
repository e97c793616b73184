"""User by user: the same means as recommenders', and whether a difference is more than noise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models.library_metrics import library_metrics
from trainer.evaluation.paired import interval, paired
from trainer.evaluation.per_user import per_user


@pytest.mark.parametrize("k", [1, 3, 10])
def test_means_are_those_of_recommenders(k: int) -> None:
    rng = np.random.default_rng(k)
    pairs = np.unique(rng.integers(0, [40, 15], size=(200, 2)), axis=0)
    users = np.unique(pairs[:, 0])
    lists = np.array([rng.permutation(15)[:k] for _ in users], np.int32)
    lists[::4, k // 2 :] = -1  # short ones
    found = per_user(pairs[:, 0], pairs[:, 1], users, lists)
    for shown in range(1, k + 1):
        for name, mean in library_metrics(pairs[:, 0], pairs[:, 1], users, lists[:, :shown]).items():
            assert getattr(found.at(shown), name).mean() == pytest.approx(mean, abs=1e-12), name


def test_order_of_pairs_and_items_beyond_those_wanted_change_nothing() -> None:
    users = np.array([2, 5])
    lists = np.array([[9, 1], [4, -1]], np.int32)
    found = per_user(np.array([5, 2, 2]), np.array([4, 3, 1]), users, lists)
    assert found.recall.tolist() == [0.5, 1.0]
    assert found.precision.tolist() == [0.5, 0.5]
    assert found.ndcg[0] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert found.map.tolist() == [0.25, 1.0]


def test_a_small_steady_gain_counts_and_a_large_one_of_one_user_does_not() -> None:
    rng = np.random.default_rng(1)
    old = rng.random(400)
    steady = paired(old + 0.01 + 0.02 * rng.random(400), old)
    assert steady.is_better()
    assert steady.errors >= -2
    assert paired(old, old + 0.01 + 0.02 * rng.random(400)).errors < -2
    lucky = old.copy()
    lucky[0] += 50
    assert not paired(lucky, old).is_better()


def test_figures_by_hand() -> None:
    found = paired(np.array([0.4, 0.6, 0.8, 0.2]), np.array([0.2, 0.6, 0.4, 0.4]))
    assert found.n_users == 4
    assert found.new == pytest.approx(0.5)
    assert found.old == pytest.approx(0.4)
    assert found.difference == pytest.approx(0.1)
    assert found.relative == pytest.approx(0.25)
    assert found.standard_error == pytest.approx(np.std([0.2, 0, 0.4, -0.2], ddof=1) / 2)
    assert found.low < 0.1 < found.high


def test_the_interval_is_that_of_the_mean_and_repeats_with_the_seed() -> None:
    values = np.random.default_rng(3).normal(1.0, 2.0, 2000)
    low, high = interval(values, seed=7)
    error = values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert interval(values, seed=7) == (low, high) != interval(values, seed=8)


def test_one_in_twenty_of_equal_models_at_the_most_seems_better() -> None:
    rng = np.random.default_rng(11)
    pairs = [(rng.random(300), rng.random(300)) for _ in range(400)]
    assert sum(paired(new, old, resamples=10).is_better() for new, old in pairs) <= 20


def test_nothing_follows_from_one_user_or_from_none() -> None:
    one = paired(np.array([1.0]), np.array([0.0]))
    assert not one.is_better()
    assert one.errors >= -2
    same = paired(np.ones(5), np.ones(5))
    assert (same.errors, same.relative, same.is_better()) == (0.0, 0.0, False)
    assert paired(np.ones(5), np.zeros(5)).is_better()
    with pytest.raises(ValueError, match="the same users"):
        paired(np.ones(3), np.ones(4))
