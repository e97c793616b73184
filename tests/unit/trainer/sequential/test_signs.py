"""The sequential sign test: what it computes, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.sequential.signs import Won, evidence_of_signs
from trainer.sequential.two_arms import Evidence, Look, evidence


def test_each_trial_is_what_two_arms_of_one_trial_each_are() -> None:
    wins = [1, 1, 0, 1, 1, 1, 0, 1]
    looks = [Look(1, 1 - won, 1, won) for won in wins]
    found = evidence_of_signs([Won(1 - won, won) for won in wins])
    assert tuple(found) == pytest.approx(tuple(evidence(looks)))


def test_both_directions_mirror_each_other() -> None:
    days = [Won(40, 60), Won(0, 0), Won(35, 70)]
    found, turned = evidence_of_signs(days), evidence_of_signs([Won(second, first) for first, second in days])
    assert (found.better, found.worse) == pytest.approx((turned.worse, turned.better))
    assert (found.verdict(0.05), turned.verdict(0.05)) == ("better", "worse")
    assert evidence_of_signs([]) == evidence_of_signs([Won()]) == Evidence()


def test_false_alarms_are_as_rare_as_it_says_over_all_looks() -> None:
    dice, n, alpha = np.random.default_rng(90), 1000, 0.05
    won = dice.binomial(20, 0.5, (n, 28))
    alarms = sum(evidence_of_signs([Won(20 - second, second) for second in each]).verdict(alpha) != "" for each in won.tolist())
    assert alarms / n <= alpha
