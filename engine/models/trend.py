"""A prior: one vector added to everybody's scores, the events of late.

    prior_j = gain · popularity_j / max popularity,   popularity_j = Σ_u 0.5^(age / half-life) over pairs younger than `window_days`

A gain of .05 to .1 stands beside A · S with rows divided by the root of their sums (affinity.DEFAULT); from 1 on the prior is the list.

Age: since the newest event of all; half-life 0 counts every pair alike. It rises with what moves: on MovieLens 100k cut at one moment EASE
gains a fifth by it. It lowers coverage. Cost: one pass over the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Array
from engine.linear.checks import within
from engine.weighing.affinity import DAY_S
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """`half_life_days` 0: no decay. `window_days` 0: no window. `gain` 0: no prior."""

    gain: float = 0.1
    half_life_days: float = 14.0
    window_days: float = 0.0

    def __post_init__(self) -> None:
        within("prior", "gain", self.gain, 0)
        within("prior", "half_life_days", self.half_life_days, 0)
        within("prior", "window_days", self.window_days, 0)


def popularity(rows: UserRows, half_life_days: float = 0.0, window_days: float = 0.0) -> Array:
    """Users of each item, the late ones counting more: float64 (n_items). Rows without times count all alike."""
    if rows.timestamps is None or not (half_life_days or window_days):
        return rows.item_counts().astype(np.float64)
    days = (rows.newest - rows.timestamps) / DAY_S
    weights = np.exp2(-days / half_life_days) if half_life_days else np.ones_like(days)
    if window_days:
        weights[days > window_days] = 0.0
    return np.bincount(rows.item_idx, weights=weights, minlength=rows.n_items)


def prior(rows: UserRows, parameters: Parameters) -> Array | None:
    """float32 (n_items), or None without a gain. `rows`: of all pairs, not decayed before."""
    if not parameters.gain:
        return None
    counts = popularity(rows, parameters.half_life_days, parameters.window_days)
    return (parameters.gain * counts / max(float(counts.max(initial=0.0)), 1e-300)).astype(np.float32)
