"""Whether one model is better than another on the same users: the paired difference of a metric, its standard error, an interval.

Users are what is drawn, so that a user with many events counts as one. The error of a mean of paired differences is far smaller than
that of either mean, since both models find the same users hard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Array

RESAMPLES = 1000
SEED = 42
CONFIDENCE = 0.95
_CELLS = 1 << 20  # of drawn users at a time


@dataclass(frozen=True, slots=True)
class Paired:
    """`difference` = `new` − `old`, of the means over `n_users`. `low`, `high`: the interval of the difference, by bootstrap."""

    n_users: int
    new: float
    old: float
    difference: float
    standard_error: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """The difference as a part of the old mean; 0 where both are 0, infinite where the old one alone is."""
        if self.old:
            return self.difference / self.old
        return float(np.sign(self.difference)) * float("inf") if self.difference else 0.0

    @property
    def errors(self) -> float:
        """The difference in standard errors; 0 where all differences are 0, infinite where all are alike otherwise."""
        if self.standard_error:
            return self.difference / self.standard_error
        return float(np.sign(self.difference)) * float("inf") if self.difference else 0.0

    def is_better(self, errors: float = 2.0) -> bool:
        """Whether the new model is better by more than that many standard errors."""
        return self.errors > errors


def paired(new: Array, old: Array, *, seed: int = SEED, resamples: int = RESAMPLES) -> Paired:
    """Compare a metric of the same users, in the same order: float (n_users), at least one. The same seed gives the same interval.

    The standard error is that of the mean of the differences; of a single user it is infinite, since one says nothing of others.
    """
    if new.shape != old.shape or new.ndim != 1 or not new.size:
        raise ValueError(f"expected a metric of the same users twice, got {new.shape} and {old.shape}")
    difference = new.astype(np.float64) - old.astype(np.float64)
    n = difference.size
    error = float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    low, high = interval(difference, seed=seed, resamples=resamples) if n > 1 else (-float("inf"), float("inf"))
    return Paired(n, float(new.mean()), float(old.mean()), float(difference.mean()), error, low, high)


def interval(values: Array, *, seed: int = SEED, resamples: int = RESAMPLES, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Where the mean of `values` lies, by percentiles of the means of resampled users."""
    rng = np.random.default_rng(seed)
    n, at_a_time = values.size, max(1, _CELLS // values.size)
    means = [
        values[rng.integers(0, n, size=(min(at_a_time, resamples - start), n), dtype=np.int32)].mean(axis=1)
        for start in range(0, resamples, at_a_time)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
