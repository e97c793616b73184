"""Popularity, an honest member: everybody's list is the items with the most users, without what the user has seen.

    S = 0,   prior_j = users_j / max users

Cost: one pass over the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.linear.matrix import Columns, Cost, Fitted, Limits, Shape
from engine.models import trend
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """None."""


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:  # noqa: ARG001 - the door of every model
    return Fitted(nothing(rows.n_items), trend.prior(rows, trend.Parameters(gain=1.0, half_life_days=0.0)))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:  # noqa: ARG001
    return Cost(8.0 * (shape.n_pairs + 2 * shape.n_items), 8.0 * (shape.n_items + 1), float(shape.n_pairs), 0.0)


def nothing(n_items: int) -> Columns:
    """A matrix of zeros."""
    return Columns(np.zeros(n_items + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
