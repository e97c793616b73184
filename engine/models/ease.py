"""EASE: every item is predicted from all others by ridge regression.

    S = argmin ‖X − X S‖² + λ ‖S‖²  with diag S = 0;   P = (XᵀX + λ I)⁻¹,   S[i, j] = −P[i, j] / P[j, j],   S[j, j] = 0

Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, arXiv 1905.03375. X: the weights of the rows, as they
are (affinity.GRAM, or binary). S has negative weights and is not symmetric: the column of j holds what speaks for j.

With `neighbors` N each column is the ridge regression on the N items of greatest cosine alone, which needs no inverse of the whole and
serves any catalogue (ridge.py). Without, n_items³ / 2 multiply-adds and 4 n_items² bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.linear import ridge
from engine.linear.checks import within
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.weighing.rows import UserRows

WHOLE_ITEMS = 15_000
"""Up to here the whole inverse takes a minute or so; beyond it, plan proposes NEIGHBORS."""
NEIGHBORS = 200


@dataclass(frozen=True, slots=True)
class Parameters:
    """`ridge`: λ, in users of an item; about 300 for long histories, 30 for short ones. `neighbors`: N, or 0 for all items."""

    ridge: float = 300.0
    neighbors: int = 0

    def __post_init__(self) -> None:
        within("ease", "ridge", self.ridge, 0, open_below=True)
        within("ease", "neighbors", self.neighbors, 0)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:
    added = np.full(rows.n_items, float(parameters.ridge))
    return Fitted(ridge.fit(limits.gram(rows), Shape.of(rows), added, parameters.neighbors, limits, "ease"))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    return ridge.cost(shape, parameters.neighbors, limits)
