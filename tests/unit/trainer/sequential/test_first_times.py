"""The test of which arm's units come to something sooner: what it computes, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.sequential.first_times import Sooner


def after(*units: tuple[int, int, bool]) -> float:
    sooner = Sooner()
    for first, second, is_second in units:
        sooner.add(first, second, is_second=is_second)
    return sooner.evidence


@pytest.mark.parametrize(("first", "second"), [(1, 1), (9, 1), (1, 9), (9000, 1000)])
def test_without_a_difference_a_step_has_the_expectation_1(first: int, second: int) -> None:
    chance, found = second / (first + second), []
    for is_second in (False, True):
        sooner = Sooner()
        sooner.add(first, second, is_second=is_second)
        found.append(float(np.exp(sooner._logs).mean()))
    assert (1 - chance) * found[0] + chance * found[1] == pytest.approx(1, rel=1e-12)


def test_units_of_the_second_arm_speak_for_it_and_of_the_first_against_it() -> None:
    assert after((90, 10, True)) > 1
    assert after((90, 10, False)) == 1
    assert after(*[(90 - at, 10, False) for at in range(20)], (70, 10, True)) == 1
    assert after(*[(90, 10 - at, True) for at in range(5)]) > 200
    assert after(*[(50, 50 - at, True) for at in range(5)]) < 20  # of halves, five in a row are no wonder


def test_what_was_once_proven_stays_so() -> None:
    proven = [(90, 10 - at, True) for at in range(5)]
    assert after(*proven, *[(90 - at, 5, False) for at in range(30)]) == after(*proven)


def test_an_arm_without_units_adds_nothing() -> None:
    sooner = Sooner()
    sooner.add(0, 7, is_second=True)
    sooner.add(7, 0, is_second=False)
    assert sooner.evidence == pytest.approx(1)
    for first, second, is_second in ((3, 0, True), (0, 3, False), (-1, 3, True)):
        with pytest.raises(ValueError, match="has none left"):
            sooner.add(first, second, is_second=is_second)


@pytest.mark.parametrize("n_second", [100, 500])
def test_false_alarms_are_as_rare_as_it_says_over_all_looks(n_second: int) -> None:
    """Of 1,000 units in their order by chance, all of which come to it in the end."""
    dice, alarms, alpha, n = np.random.default_rng(90), 0, 0.05, 300
    for _ in range(n):
        sooner, left = Sooner(), [1000 - n_second, n_second]
        for is_second in dice.permutation(np.arange(1000) < n_second)[:200].tolist():
            sooner.add(*left, is_second=is_second)
            left[is_second] -= 1
        alarms += sooner.evidence >= 1 / alpha
    assert alarms / n <= alpha
