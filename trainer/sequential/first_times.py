"""Whether units of the second arm come to something sooner than those of the first, each for its first time; it may be looked at always.

Units are given to arms by chance. While `left_first` and `left_second` of them have not come to it, the next one that does is of the second
arm with the chance r * left_second / (left_first + r * left_second), where r says how much sooner: Cox's partial likelihood (Biometrika 62,
1975), which asks for no rate, and for no time. Without a difference each ratio to r = 1 has the expectation 1, whatever came before; so
their product is a martingale, and so is its mean over many r, whose maximum Ville's inequality bounds, as in two_arms.py. A unit counts
once: what comes to it again says nothing new, since who once got an error, or an empty list, may well get the next one, too.
"""

from __future__ import annotations

import numpy as np

from trainer.sequential.two_arms import LOG_ODDS, mean_exp

_ODDS = np.exp(LOG_ODDS)


class Sooner:
    """`evidence`: the highest that it ever was. By chance it reaches any x with a probability of 1 / x at the most."""

    def __init__(self) -> None:
        self._logs = np.zeros(len(LOG_ODDS))
        self.evidence = 1.0

    def add(self, left_first: int, left_second: int, *, is_second: bool) -> None:
        """The next unit. Raises ValueError where its arm has none left."""
        if (left_second if is_second else left_first) < 1 or min(left_first, left_second) < 0:
            raise ValueError(f"a unit came of an arm that has none left: {left_first} and {left_second}")
        mean = (left_first + _ODDS * left_second) / (left_first + left_second)
        self._logs += (LOG_ODDS if is_second else 0.0) - np.log(mean)
        self.evidence = max(self.evidence, mean_exp(self._logs))
