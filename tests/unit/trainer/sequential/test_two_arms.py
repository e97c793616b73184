"""A test that may be looked at every day: what it computes, by hand and by enumeration, and how often it is wrong."""

from __future__ import annotations

import math
from itertools import product
from math import comb

import numpy as np
import pytest

from trainer.sequential.two_arms import LOG_ODDS, Evidence, Look, difference_between, evidence, log_ratios, rate_between

ALPHA = 0.05


def test_the_ratio_is_that_of_fishers_distribution() -> None:
    look, odds = Look(7, 2, 5, 3), 1.7
    weights = {second: comb(7, 5 - second) * comb(5, second) for second in range(6)}
    none = weights[3] / sum(weights.values())
    some = weights[3] * odds**3 / sum(weight * odds**second for second, weight in weights.items())
    assert log_ratios(look, np.log([odds]))[0] == pytest.approx(math.log(some / none), rel=1e-12)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.93])
@pytest.mark.parametrize("sizes", [(4, 4), (6, 2), (1, 5)])
def test_without_a_difference_the_ratio_has_the_expectation_1_whatever_the_rate(rate: float, sizes: tuple[int, int]) -> None:
    n_first, n_second = sizes
    expected = np.zeros(2 * len(LOG_ODDS))
    for first, second in product(range(n_first + 1), range(n_second + 1)):
        chance = comb(n_first, first) * comb(n_second, second) * rate ** (first + second) * (1 - rate) ** (sum(sizes) - first - second)
        expected += chance * np.exp(log_ratios(Look(n_first, first, n_second, second), np.concatenate([LOG_ODDS, -LOG_ODDS])))
    assert expected == pytest.approx(np.ones(len(expected)), abs=1e-12)


def test_both_directions_mirror_each_other_and_the_order_of_arms() -> None:
    looks = [Look(900, 40, 100, 9), Look(880, 41, 120, 11)]
    found = evidence(looks)
    turned = evidence([Look(*look[2:], *look[:2]) for look in looks])
    assert (found.better, found.worse) == pytest.approx((turned.worse, turned.better))
    assert found.better > found.worse


def test_the_evidence_is_the_highest_that_it_ever_was_and_says_so_at_its_bound() -> None:
    strong = [Look(1000, 50, 1000, 90)] * 2
    found = evidence(strong)
    assert found.verdict(ALPHA) == "better"
    assert evidence([*strong, Look(1000, 90, 1000, 50)]).better == found.better
    assert evidence([]) == Evidence(1.0, 1.0)
    assert evidence([Look(0, 0, 0, 0), Look(5, 5, 0, 0), Look(3, 3, 4, 4)]) == pytest.approx(Evidence(1.0, 1.0))
    assert [Evidence(39.9, 1.0).verdict(ALPHA), Evidence(40.0, 1.0).verdict(ALPHA), Evidence(2.0, 41.0).verdict(ALPHA)] == [
        "",
        "better",
        "worse",
    ]


def test_huge_counts_overflow_nothing() -> None:
    found = evidence([Look(2_000_000, 100_000, 200_000, 12_000)] * 3)
    assert found.better > 1e100
    assert math.isfinite(found.better)
    assert found.worse == 1.0


@pytest.mark.parametrize("look", [Look(3, 4, 1, 0), Look(3, -1, 1, 0), Look(3, 1, 1, 2)])
def test_counts_that_can_not_be_are_refused(look: Look) -> None:
    with pytest.raises(ValueError, match="successes must be between 0 and the trials"):
        evidence([look])


def test_looks_at_every_day_of_many_experiments_without_a_difference() -> None:
    """The bench does it a thousand times; what is reached by then with a chance of 5 % at the most."""
    dice = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        rates = 0.03 + 0.04 * dice.random(14)  # each day has its own
        first, second = dice.binomial(900, rates), dice.binomial(100, rates)
        looks = [Look(900, int(one), 100, int(other)) for one, other in zip(first, second, strict=True)]
        alarms += bool(evidence(looks).verdict(ALPHA))
    assert alarms <= 10


def test_a_rate_is_outside_of_its_bounds_at_no_look() -> None:
    dice = np.random.default_rng(8)
    outside = 0
    for _ in range(200):
        successes = np.cumsum(dice.binomial(50, 0.1, size=20))
        bounds = [rate_between(50 * (day + 1), int(total), ALPHA) for day, total in enumerate(successes)]
        outside += any(not low <= 0.1 <= high for low, high in bounds)
    assert outside <= 10


def test_bounds_of_rates_and_of_their_difference() -> None:
    assert rate_between(0, 0, ALPHA) == (0.0, 1.0)
    low, high = rate_between(100, 0, ALPHA)
    assert (low, 0 < high < 0.1) == (0.0, True)
    assert rate_between(100, 100, ALPHA) == pytest.approx((1 - high, 1.0))
    low, high = rate_between(10_000, 500, ALPHA)
    assert 0.04 < low < 0.05 < high < 0.06
    low, high = difference_between(Look(10_000, 500, 10_000, 900), ALPHA)
    assert 0.015 < low < 0.04 < high < 0.065
