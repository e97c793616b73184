"""RP3beta: a random walk of three steps, from an item to a user of it to another item, popular ends damped.

    S[i, j] = Σ_u (x[u, i] / f_i)^α · (x[u, j] / d_u)^α / f_j^β,   S[j, j] = 0

f: sums of items, d: sums of users. Source: Paudel, Christoffel, Newell, Bernstein, "Updatable, accurate, diverse, and scalable
recommendations for interactive applications", ACM TiiS 2017; the order of powers as in Ferrari Dacrema et al., RecSys 2019. S is
positive and not symmetric. It is the Gram matrix of x^α · d^(−α/2), scaled by rows and columns: cost and memory as in counted.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Array
from engine.linear import counted
from engine.linear.checks import within
from engine.linear.gram import Formula
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """`alpha`: power of the steps' probabilities. `beta`: of the popularity that divides. `neighbors`: kept per column, 0 keeps all."""

    alpha: float = 1.0
    beta: float = 0.3
    neighbors: int = 0

    def __post_init__(self) -> None:
        within("rp3beta", "alpha", self.alpha, 0, 4, open_below=True)
        within("rp3beta", "beta", self.beta, 0, 4)
        within("rp3beta", "neighbors", self.neighbors, 0)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:
    alpha = parameters.alpha
    of_user = np.repeat(_power(rows.row_sums(), -alpha / 2), rows.widths())
    of_item = rows.item_sums()
    scaled = rows.reweighted(rows.weights.astype(np.float64) ** alpha * of_user)
    formula = Formula.product(_power(of_item, -alpha), _power(of_item, -parameters.beta))
    return Fitted(counted.fit(scaled, formula, parameters.neighbors, limits, "rp3beta"))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    return counted.cost(shape, parameters.neighbors, limits)


def _power(sums: Array, exponent: float) -> Array:
    """sums ** exponent, and 0 for 0."""
    return np.power(sums, exponent, out=np.zeros_like(sums), where=sums > 0)
