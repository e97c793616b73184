"""Trending, an honest member: everybody's list is the items with the most users of late, without what the user has seen.

    S = 0,   prior_j = popularity_j / max popularity,   popularity_j = Σ_u 0.5^(age / half-life)

Cost: one pass over the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.errors import SettingsError
from engine.linear.checks import within
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.models import popularity, trend
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """`half_life_days` of an event's weight."""

    half_life_days: float = 7.0

    def __post_init__(self) -> None:
        within("trending", "half_life_days", self.half_life_days, 0, open_below=True)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:  # noqa: ARG001 - the door of every model
    """Raises SettingsError for rows without times."""
    if rows.timestamps is None:
        raise SettingsError("trending counts what is new, and the interactions have no times: name the column, or --model popularity")
    found = trend.prior(rows, trend.Parameters(gain=1.0, half_life_days=parameters.half_life_days))
    return Fitted(popularity.nothing(rows.n_items), found)


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:  # noqa: ARG001
    return popularity.cost(shape, popularity.Parameters(), limits)
