"""Item-kNN: the similarity of two items' users, after a weighting.

    cosine   S[i, j] = Σ_u x[u, i] x[u, j] / (‖x_i‖ ‖x_j‖ + shrinkage)
    tfidf    the same of √x[u, i] · (ln n_items − ln(1 + d_u))
    bm25     S[i, j] = Σ_u y[u, i] y[u, j],   y = x (K1 + 1) / (K1 · (1 − B + B · f_i / mean f) + x) · (ln n_items − ln(1 + d_u))

d: items of a user; f: sums of items; S[j, j] = 0. Weightings as in implicit 0.7 (nearest_neighbours.py); shrinkage: Koren and Bell,
Recommender Systems Handbook. S is symmetric unless columns are cut, and positive (but for users of almost all items under tfidf and
bm25, whose weight is below 0: it is taken as 0). Cost and memory: counted.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from contract.errors import SettingsError
from engine.linear import counted
from engine.linear.checks import within
from engine.linear.gram import Formula, diagonal_of
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.weighing.rows import UserRows

K1, B = 1.2, 0.75
WEIGHTINGS = ("cosine", "tfidf", "bm25")


@dataclass(frozen=True, slots=True)
class Parameters:
    """`shrinkage` serves cosine and tfidf. `neighbors`: kept per column, the greatest; 0 keeps all."""

    weighting: Literal["cosine", "tfidf", "bm25"] = "cosine"
    shrinkage: float = 10.0
    neighbors: int = 200

    def __post_init__(self) -> None:
        if self.weighting not in WEIGHTINGS:
            raise SettingsError(f"itemknn: the weighting {self.weighting!r} is not known; there are {', '.join(WEIGHTINGS)}")
        within("itemknn", "shrinkage", self.shrinkage, 0)
        within("itemknn", "neighbors", self.neighbors, 0)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:
    weighed = _weighed(rows, parameters.weighting)
    if parameters.weighting == "bm25":
        formula = Formula.product(np.ones(rows.n_items), np.ones(rows.n_items))
    else:
        formula = Formula.quotient(np.sqrt(diagonal_of(weighed)), parameters.shrinkage)
    return Fitted(counted.fit(weighed, formula, parameters.neighbors, limits, "itemknn"))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    return counted.cost(shape, parameters.neighbors, limits)


def _weighed(rows: UserRows, weighting: str) -> UserRows:
    if weighting == "cosine":
        return rows
    widths, weights = rows.widths(), rows.weights.astype(np.float64)
    rarity = np.repeat(np.maximum(np.log(rows.n_items) - np.log1p(widths), 0.0), widths)
    if weighting == "tfidf":
        return rows.reweighted(np.sqrt(weights) * rarity)
    lengths = rows.item_sums()
    norm = (1.0 - B + B * lengths / lengths.mean())[rows.item_idx]
    return rows.reweighted(weights * (K1 + 1.0) / (K1 * norm + weights) * rarity)
