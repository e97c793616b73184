"""EDLAE: EASE whose inputs are dropped at random in training, in closed form, so that no item leans on a few popular ones.

    P = (XᵀX + Λ)⁻¹,   Λ = p / (1 − p) · diag(XᵀX) + λ I,   S[i, j] = −P[i, j] / P[j, j],   S[j, j] = 0

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020 (there: the emphasised denoising linear autoencoder
in the limit that the self-weight is ruled out). p = 0 is EASE. Weights, cost, memory and `neighbors` as in ease.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.linear import ridge
from engine.linear.checks import within
from engine.linear.gram import diagonal_of
from engine.linear.matrix import Cost, Fitted, Limits, Shape
from engine.weighing.rows import UserRows


@dataclass(frozen=True, slots=True)
class Parameters:
    """`dropout`: p, the part of an input that is dropped, below 1. `ridge`: λ. `neighbors`: N, or 0 for all items."""

    dropout: float = 0.8
    ridge: float = 50.0
    neighbors: int = 0

    def __post_init__(self) -> None:
        within("edlae", "dropout", self.dropout, 0, 0.99)
        within("edlae", "ridge", self.ridge, 0, open_below=True)
        within("edlae", "neighbors", self.neighbors, 0)


def fit(rows: UserRows, parameters: Parameters, limits: Limits) -> Fitted:
    added = parameters.dropout / (1.0 - parameters.dropout) * diagonal_of(rows) + parameters.ridge
    return Fitted(ridge.fit(limits.gram(rows), Shape.of(rows), added, parameters.neighbors, limits, "edlae"))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    return ridge.cost(shape, parameters.neighbors, limits)
