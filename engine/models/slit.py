"""SLIT: directed transitions. Every later item is predicted from all earlier ones of the user, by ridge regression.

    S = (Σ past pastᵀ + λ I)⁻¹ Σ past futureᵀ, over all users and all cuts t between two moments of a user:
    past_t[i] = x_i · ρ^(t − p_i) for p_i ≤ t,   future_t[j] = x_j · σ^(p_j − t − 1) for p_j > t

p: the number of the user's distinct moments before that of the item, so that the items of one basket lie side by side and say nothing
of one another. Source: Choi, Kim, Lee, Shim, Lee, "Session-aware Linear Item-Item Models for Session-based Recommendation", WWW 2021
(SLIT, with exponential weights by distance). x: the weights of the rows. S is not symmetric, and may have a diagonal.

The sums over cuts are closed: A[i, j] = Σ_u x_i x_j ρ^|p_i − p_j| Σ_{s = 0}^{L − 2 − max p} ρ^2s, with L moments of u, and
C[i, j] = Σ_u x_i x_j Σ_{a + b = p_j − p_i − 1} ρ^a σ^b. Cost: three times the pair products at the most (terms below 1e-9 end a
row), then ridge.py: 8 n_items² bytes whole; with `neighbors` N of greatest C / √A, 4 n_items² bytes or less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.errors import SettingsError
from engine.arrays import Array
from engine.linear import ridge
from engine.linear.checks import within
from engine.linear.gram import Source, load_of
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.models import slit_kernels
from engine.weighing import row_kernels
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """`ridge`: λ. `past`: ρ and `future`: σ, what a step of distance leaves of a weight. `neighbors`: N, or 0 for all items."""

    ridge: float = 300.0
    past: float = 0.7
    future: float = 0.7
    neighbors: int = 0

    def __post_init__(self) -> None:
        within("slit", "ridge", self.ridge, 0, open_below=True)
        within("slit", "past", self.past, 0, 1)
        within("slit", "future", self.future, 0, 1)
        within("slit", "neighbors", self.neighbors, 0)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:
    """Raises SettingsError for rows without times."""
    if rows.timestamps is None:
        raise SettingsError("slit learns what comes after what, and the interactions have no times: name the column, or another model")
    events = _Events(rows)
    past, future = Past(rows, events, parameters), Future(rows, events, parameters)
    added = np.full(rows.n_items, float(parameters.ridge))
    return Fitted(ridge.fit(past, Shape.of(rows), added, parameters.neighbors, limits, "slit", future))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    return ridge.cost(shape, parameters.neighbors, limits, own_targets=True)


class _Events:
    """Rows in order of time. `moments` int32 (n_pairs): numbers of the pairs' moments; `lengths` int32 (n_users): moments of a user."""

    def __init__(self, rows: UserRows) -> None:
        assert rows.timestamps is not None  # noqa: S101 - fit has said so
        order = row_kernels.by_time(rows.indptr, rows.timestamps)
        items, weights = rows.item_idx[order], rows.weights[order]
        self.moments, self.lengths = slit_kernels.moments(rows.indptr, rows.timestamps[order])
        ends, users, places = row_kernels.occurrences(rows.indptr, items, rows.n_items)
        self.columns = (ends, users, places, rows.indptr, items, weights, self.moments, self.lengths)


class Past(Source):
    """Rows of A."""

    def __init__(self, rows: UserRows, events: _Events, parameters: Parameters) -> None:
        longest = int(events.lengths.max(initial=1))
        steps = np.arange(longest + 1, dtype=np.float64)
        self._columns, self._powers = events.columns, parameters.past**steps
        self._cuts = np.cumsum(parameters.past ** (2 * steps))  # [s]: over 0 to s
        self.load = load_of(rows)
        self.diagonal: Array = slit_kernels.past_diagonal(*events.columns[3:], self._cuts, rows.n_items)

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:
        slit_kernels.fill_past(start, end, *self._columns, self._powers, self._cuts, upper, out)


class Future(Source):
    """Rows of the transpose of C: of each item, what came before it."""

    def __init__(self, rows: UserRows, events: _Events, parameters: Parameters) -> None:
        longest = int(events.lengths.max(initial=1))
        rising = parameters.past ** np.arange(longest + 1, dtype=np.float64)
        falling = parameters.future ** np.arange(longest + 1, dtype=np.float64)
        self._columns = events.columns[:-1]
        self._by_distance = np.zeros(longest + 1)  # [d]: Σ ρ^a σ^b over a + b = d − 1
        for distance in range(1, longest + 1):
            self._by_distance[distance] = rising[:distance] @ falling[:distance][::-1]
        self.load = load_of(rows)
        self.diagonal: Array = np.zeros(rows.n_items)

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:  # noqa: ARG002 - not symmetric
        slit_kernels.fill_future(start, end, *self._columns, self._by_distance, out)
