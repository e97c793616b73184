"""How candidates compare on one cut of the data, or on two: relative gains over the default, with their error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.formats.reports.tuned import ERRORS, Measured
from engine.arrays import Array
from trainer.evaluation.paired import SEED, paired
from trainer.tuning.grid import Candidate


@dataclass(frozen=True, slots=True)
class Score:
    """`values`, `default`: nDCG of the same users, one array for each cut. Each cut counts alike, by its relative gain."""

    candidate: Candidate
    values: tuple[Array, ...]
    default: tuple[Array, ...]

    @property
    def ndcg(self) -> float:
        """On the first cut."""
        return float(self.values[0].mean())

    @property
    def gain(self) -> float:
        return float(np.mean([_relative(new, old) for new, old in zip(self.values, self.default, strict=True)]))

    @property
    def level(self) -> float:
        """What candidates are ordered by: their mean in units of the default's, or as it is where that finds nothing."""
        return float(np.mean([new.mean() / (old.mean() or 1.0) for new, old in zip(self.values, self.default, strict=True)]))

    def errors_over(self, others: Sequence[Array]) -> float:
        """The difference to `others`, in standard errors."""
        pairs = [
            (paired(new, other, resamples=2), old.mean() or 1.0) for new, other, old in zip(self.values, others, self.default, strict=True)
        ]
        difference = sum(pair.difference / unit for pair, unit in pairs)
        error = float(np.sqrt(sum((pair.standard_error / unit) ** 2 for pair, unit in pairs)))
        if error:
            return float(difference) / error
        return float(np.sign(difference)) * 1e9

    def measured(self, seed: int = SEED) -> Measured:
        """For people. The interval is that of the first cut."""
        pair, unit = paired(self.values[0], self.default[0], seed=seed), float(self.default[0].mean()) or 1.0
        return Measured(
            arguments=self.candidate.arguments,
            options=dict(self.candidate.options),
            ndcg=round(self.ndcg, 6),
            gain=round(self.gain, 6),
            errors=round(self.errors_over(self.default), 2),
            low=round(pair.low / unit, 4) if np.isfinite(pair.low) else -1.0,
            high=round(pair.high / unit, 4) if np.isfinite(pair.high) else 1.0,
            n_users=self.values[0].size,
        )


def winner_of(scores: Sequence[Score], default: Score, popularity: Score) -> Score:
    """The best one, if it is better than the default by more than ERRORS standard errors; else the default.

    A default that popularity is better than has no such right: then the best one wins, which is at least popularity.
    """
    best = max(scores, key=lambda score: score.level)
    if best.level <= default.level:
        return default
    return best if best.errors_over(default.values) > ERRORS or default.level < popularity.level else default


def _relative(new: Array, old: Array) -> float:
    mean = float(old.mean())
    return (float(new.mean()) - mean) / mean if mean else float(new.mean())
