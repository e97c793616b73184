"""How interactions become weights: of the rows that a model is fitted on, and of the rows that scores are made from.

    a[u, i] = value · decay ** power, the row then divided by (sum of the row) ** scale

value: 1 (`binary`), the pair's weight (`weights`), log(1 + weight) (`log`).
decay: 1 (`none`); 0.5 ** (age / half-life) with the age since the newest event of all (`now`) or of the user (`own-last`);
base ** rank (`rank`), rank 0 being the user's newest item, and items of one time sharing the lowest rank among them.

`power` ½ serves a Gram matrix: x[u, i] = √decay gives XᵀX the decayed number of users on its diagonal. `scale` ½ divides by the root
of the row's sum, so that a prior weighs alike beside short and long histories, but grows less than their evidence.

Sources: recommenders 1.2.1, sar_singlenode.py (`weights`, `now`); Steck, WWW 2019 (`binary`). Cost: one pass over the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from contract.errors import SettingsError
from engine.arrays import Array
from engine.weighing import row_kernels as kernels
from engine.weighing.rows import UserRows

DAY_S = 86400
Kind = Literal["binary", "weights", "log"]
Decay = Literal["none", "now", "own-last", "rank"]
_KINDS: dict[Kind, int] = {"binary": kernels.BINARY, "weights": kernels.WEIGHTS, "log": kernels.LOG}
_DECAYS: dict[Decay, int] = {"none": kernels.NONE, "now": kernels.NOW, "own-last": kernels.OWN_LAST, "rank": kernels.RANK}


@dataclass(frozen=True, slots=True)
class Affinity:
    """`half_life_days` serves the decays `now` and `own-last`, `base` serves `rank`. Rows without times do not decay."""

    kind: Kind = "binary"
    decay: Decay = "none"
    half_life_days: float = 60.0
    base: float = 0.9
    power: float = 1.0
    scale: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or self.decay not in _DECAYS:
            known = f"kinds: {', '.join(_KINDS)}; decays: {', '.join(_DECAYS)}"
            raise SettingsError(f"an affinity of kind {self.kind!r} with decay {self.decay!r} is not known; {known}")
        if not (self.half_life_days > 0 and 0 < self.base <= 1 and self.power >= 0 and 0 <= self.scale <= 1):
            raise SettingsError(
                f"an affinity takes half_life_days > 0, 0 < base <= 1, power >= 0 and 0 <= scale <= 1; it got {self.half_life_days:g}, "
                f"{self.base:g}, {self.power:g} and {self.scale:g}"
            )


DEFAULT = Affinity("binary", "own-last", half_life_days=60.0, scale=0.5)
"""Rows that scores are made from, where nothing is known of the data."""

GRAM = Affinity("binary", "now", half_life_days=120.0, power=0.5)
"""Rows that a Gram matrix is made from, where nothing is known of the data."""


KEPT = 0.25
"""Of all pairs, what a decayed Gram matrix should stand on at the least (`lasting`)."""


class Weighed(NamedTuple):
    """Rows, each divided by 2 ** exponents of its user: int32 (n_users). So rows that are old as a whole do not underflow."""

    rows: UserRows
    exponents: Array

    def whole(self) -> UserRows:
        """The rows with their exponents applied: what is too old for float32 becomes 0."""
        return self.rows.reweighted(np.ldexp(self.rows.weights, np.repeat(self.exponents, self.rows.widths())))


def weigh(rows: UserRows, affinity: Affinity, now: int | None = None) -> Weighed:
    """Weights as the module says. `now`: epoch seconds, by default of the newest event; later events have age 0."""
    decay: Decay = affinity.decay if rows.timestamps is not None else "none"
    out, exponents = np.empty(rows.n_pairs, np.float32), np.zeros(rows.n_users, np.int32)
    kernels.weigh(
        *(rows.indptr, rows.weights, np.empty(0, np.int64) if rows.timestamps is None else rows.timestamps),
        *(_KINDS[affinity.kind], _DECAYS[decay], affinity.base if decay == "rank" else affinity.half_life_days * DAY_S),
        *(float(affinity.power), float(affinity.scale), rows.newest if now is None else now, out, exponents),
    )
    return Weighed(rows.reweighted(out), exponents)


def lasting(rows: UserRows, affinity: Affinity, share: float = KEPT) -> Affinity:
    """The same with a half-life under the decay `now` that leaves at least `share` of the pairs: Σ decay ≥ share · n_pairs.

    120 days are much of a shop's history, and a two hundredth of one that goes back twenty years: what is left would be a model of
    nothing. Other decays, and rows without times, stay as they are. The half-life is doubled until it is long enough.
    """
    if affinity.decay != "now" or rows.timestamps is None or not rows.n_pairs:
        return affinity
    days = np.maximum(rows.newest - rows.timestamps, 0) / DAY_S
    half_life = affinity.half_life_days
    while float(np.exp2(-days / half_life).sum()) < share * rows.n_pairs:
        half_life *= 2.0
    return replace(affinity, half_life_days=half_life)
