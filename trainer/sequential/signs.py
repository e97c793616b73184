"""Whether one of two sides wins more often than the other, by a sign test that may be looked at every day and stopped at any look.

Each trial has one winner. Without a difference each side wins with a half, so that the ratio to odds r has the expectation 1, and the mean
of their products over many r is a martingale that Ville's inequality bounds, as in two_arms.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trainer.sequential.two_arms import LOG_ODDS, Evidence, mean_exp


class Won(NamedTuple):
    """Since the look before: trials that the first side won, and that the second did."""

    first: int = 0
    second: int = 0


def evidence_of_signs(looks: Iterable[Won]) -> Evidence:
    """Of the second side being better, or worse, after all of `looks`, which have to be given whole and in their order."""
    better, worse, highest = np.zeros(len(LOG_ODDS)), np.zeros(len(LOG_ODDS)), Evidence()
    means = np.log((1 + np.exp(LOG_ODDS)) / 2)
    for first, second in looks:
        better += second * LOG_ODDS - (first + second) * means
        worse += first * LOG_ODDS - (first + second) * means
        highest = Evidence(max(highest.better, mean_exp(better)), max(highest.worse, mean_exp(worse)))
    return highest
