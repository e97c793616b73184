"""Whether the second arm's rate is better or worse than the first's, by a test that may be looked at every day and stopped at any look.

What came since the look before is compared by the conditional likelihood ratio: given how many trials each arm had and how many successes
both had together, the second arm's successes follow Fisher's noncentral hypergeometric distribution, of which only the odds ratio is
unknown. So no rate has to be guessed, and it may change from look to look, as weekends do. Under no difference each ratio has the
expectation 1, whatever the ratios before; so their product is a martingale, and so is its mean over many odds ratios (the mixture: Robbins,
Ann. Math. Statist. 41, 1970; Johari, Koomen, Pekelis, Walsh, Operations Research 70, 2022). That such a mean ever reaches 1 / alpha has a
probability of alpha at the most (Ville, 1939), for any number of looks, at any time, and for small numbers, too.

The evidence for better takes odds ratios above 1 alone. Each ratio rises with the second arm's successes, so it holds against "worse or
equal" as well. A trial must be independent of the others: count each user once, not each click.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

LOG_ODDS = 0.02 * 2 ** (np.arange(15) / 2)
"""Of the mixture: odds ratios from 1.02 to 12.9, each half a power of two from the next in its logarithm, and their inverses."""
Verdict = Literal["better", "worse", ""]


class Look(NamedTuple):
    """What came since the look before, of the first and of the second arm."""

    n_first: int
    successes_first: int
    n_second: int
    successes_second: int


class Evidence(NamedTuple):
    """How strongly the looks so far speak for the second arm being better, or worse: the highest that it ever was.

    Each is reached by chance with a probability of 1 / itself at the most, if it is not so.
    """

    better: float = 1.0
    worse: float = 1.0

    def verdict(self, alpha: float) -> Verdict:
        """False alarms, of either kind, at the most in a share `alpha` of experiments without a difference."""
        strongest: Verdict = "better" if self.better >= self.worse else "worse"
        return strongest if max(self.better, self.worse) >= 2 / alpha else ""


def evidence(looks: Iterable[Look]) -> Evidence:
    """After all of `looks`, which have to be given whole and in their order. Raises ValueError for counts that can't be."""
    return [Evidence(), *evidence_by_look(looks)][-1]


def evidence_by_look(looks: Iterable[Look]) -> Iterator[Evidence]:
    """After each of them."""
    better, worse = np.zeros(len(LOG_ODDS)), np.zeros(len(LOG_ODDS))
    highest = Evidence()
    for look in looks:
        better += log_ratios(look, LOG_ODDS)
        worse += log_ratios(look, -LOG_ODDS)
        highest = Evidence(max(highest.better, mean_exp(better)), max(highest.worse, mean_exp(worse)))
        yield highest


def log_ratios(look: Look, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each odds ratio, the logarithm of how much likelier it makes the second arm's successes than no difference does."""
    n_first, k_first, n_second, k_second = look
    if not (0 <= k_first <= n_first and 0 <= k_second <= n_second):
        raise ValueError(f"successes must be between 0 and the trials, and these are {look}")
    total = k_first + k_second
    least, most = max(0, total - n_first), min(total, n_second)
    at = np.arange(least, most, dtype=np.float64)
    steps = np.log((n_second - at) * (total - at)) - np.log((at + 1) * (n_first - total + at + 1))
    log_weights = np.concatenate([[0.0], np.cumsum(steps)])
    successes = np.arange(least, most + 1, dtype=np.float64)
    return log_odds * k_second + _log_sum(log_weights) - _log_sum(log_weights + log_odds[:, None] * successes)


def rate_between(n: int, successes: int, alpha: float) -> tuple[float, float]:
    """A confidence sequence of one arm's rate, of all its looks together: at no look ever, but in a share `alpha`, is the rate outside.

    The mixture over Beta(1/2, 1/2), inverted; it wants one rate at all times.
    """
    if n == 0:
        return 0.0, 1.0

    def log_mixture(rate: float) -> float:
        """Of the mixture against `rate`."""
        own = (successes * math.log(rate) if successes else 0.0) + ((n - successes) * math.log1p(-rate) if successes < n else 0.0)
        return _log_beta(successes + 0.5, n - successes + 0.5) - _log_beta(0.5, 0.5) - own

    bound, middle = -math.log(alpha), successes / n

    def edge(outside: float) -> float:
        """Where the mixture crosses the bound, between the estimate and 0 or 1."""
        inside = middle
        for _ in range(60):
            rate = (inside + outside) / 2
            inside, outside = (rate, outside) if log_mixture(rate) < bound else (inside, rate)
        return outside

    return (edge(0.0) if successes else 0.0), (edge(1.0) if successes < n else 1.0)


def difference_between(total: Look, alpha: float) -> tuple[float, float]:
    """Bounds of the second rate less the first, after all looks, from both arms' confidence sequences: safe, and wider than needed."""
    first = rate_between(total.n_first, total.successes_first, alpha / 2)
    second = rate_between(total.n_second, total.successes_second, alpha / 2)
    return second[0] - first[1], second[1] - first[0]


def mean_exp(logs: NDArray[np.float64]) -> float:
    return float(np.exp(min(700.0, float(_log_sum(logs)) - math.log(len(logs)))))


def _log_sum(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(sum(exp(logs))) along the last axis."""
    top = logs.max(axis=-1)
    found: NDArray[np.float64] = top + np.log(np.exp(logs - top[..., None]).sum(axis=-1))
    return found


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
