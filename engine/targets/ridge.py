"""EASE with a target: what is taken of each item is predicted from all that was met, by ridge regression.

    S[:, j] = argmin ‖b_j − X_j s‖² + λ ‖s‖²

X: weights of events of any type; b_j: target events on j, of weight 1, decayed as X is; X_j: X, whose column j has the events of other
types alone. So a purchase does not predict itself, as the diagonal of 0 has it in EASE, and a view of j speaks for the purchase of j.

Closed, with P = (XᵀX + λI)⁻¹, v_j the column j of X_j, c = Xᵀb_j, d = Xᵀv_j, and without j Q_j = P − P[:, j] P[j, :] / P[j, j]:

    s_j = (v_jᵀb_j − dᵀQ_j c) / (v_jᵀv_j + λ − dᵀQ_j d),   s = Q_j c − s_j Q_j d elsewhere

Source: Steck, WWW 2019, arXiv 1905.03375, for the regression; block inversion for what is changed. Cost: the pair products of all with all,
with the targets and with the others; 2.5 n³ multiply-adds; 12 n² bytes in float32, 28 n² up to FLOAT64_ITEMS items, done in
float64. With `neighbors` N each column keeps its N entries of greatest magnitude, of the whole: the fit costs the same.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.linear import gram, gram_kernels, inverse
from engine.linear.matrix import Columns, Cost, Dense, Limits, Shape, column_bytes, dense_bytes, packed
from engine.linear.ridge import FLOAT64_ITEMS
from engine.targets.cross import Cross, diagonal_of
from engine.weighing.rows import UserRows


def cost(shape: Shape, neighbors: int, limits: Limits) -> Cost:
    n, whole = shape.n_items, dense_bytes(shape.n_items)
    kept = column_bytes(n, neighbors) if neighbors else whole
    return Cost(_peak(shape, 7 if _is_exact(shape, limits) else 3, limits), kept, 2.5 * shape.pair_products, 2.5 * n**3)


def _peak(shape: Shape, wholes: int, limits: Limits) -> float:
    blocks = 8.0 * shape.n_items * (8 + gram.ROWS_OF_A_BLOCK * limits.threads)
    return wholes * dense_bytes(shape.n_items) + blocks + 24.0 * shape.n_pairs + inverse.panel_bytes(shape.n_items)


def _is_exact(shape: Shape, limits: Limits) -> bool:
    """Whether all is done in float64."""
    return shape.n_items <= FLOAT64_ITEMS and _peak(shape, 7, limits) <= limits.memory_bytes


def fit(inputs: UserRows, targets: UserRows, others: UserRows, ridge: float, neighbors: int, limits: Limits) -> Dense | Columns:
    """S. `inputs`: X; `targets`: B; `others`: the pairs of all other types. Raises SettingsError where memory is short."""
    limits.refuse_above(cost(Shape.of(inputs), neighbors, limits), "ease with a target", "take --model sar")
    n, threads = inputs.n_items, limits.threads
    inverted = gram.upper(gram.Gram(inputs), np.float64 if _is_exact(Shape.of(inputs), limits) else np.float32, threads)
    inverted[np.diag_indices(n)] += inverted.dtype.type(ridge)
    inverse.invert(inverted, threads)
    took, met = (_whole(Cross(inputs, rows), inverted.dtype, threads) for rows in (targets, others))
    own, of_own = diagonal_of(others, targets), gram.diagonal_of(others)
    most = min(neighbors, n)
    kept = (np.zeros(n, np.int64), np.zeros((n, most), np.int32), np.zeros((n, most), np.float32))
    for start in range(0, n, inverse.STRIP):
        strip = slice(start, min(start + inverse.STRIP, n))
        solved = _columns(start, inverted, took[strip], met[strip], own[strip], of_own[strip] + ridge)
        if neighbors:
            gram_kernels.keep_greatest(start, solved.astype(np.float64), most, *kept)
        else:
            took[strip] = solved
    del inverted, met
    return packed(*kept) if neighbors else Dense(np.ascontiguousarray(took.T, np.float32))


def _columns(start: int, inverted: Array, took: Array, met: Array, own: Array, of_own: Array) -> Array:
    """Columns of S from item `start` on, as rows. `took`, `met`: rows of c and d; `own`: v_jᵀb_j; `of_own`: v_jᵀv_j + λ."""
    places = np.arange(len(took)), np.arange(start, start + len(took))
    rows = inverted[start : start + len(took)]
    diagonal = rows[places]
    without = []
    for side in (took, met):
        product = side @ inverted
        product -= rows * (product[places] / diagonal)[:, None]
        product[places] = 0.0
        without.append(product)
    by_target, by_own = without
    itself = (own - (met * by_target).sum(axis=1)) / (of_own - (met * by_own).sum(axis=1))
    by_target -= by_own * itself[:, None].astype(by_own.dtype)
    by_target[places] = itself
    return by_target


def _whole(source: Cross, dtype: np.dtype[np.float32 | np.float64], threads: int) -> Array:
    out = np.empty((source.load.size, source.load.size), dtype)

    def keep(start: int, block: Array) -> None:
        out[start : start + len(block)] = block

    gram.each_block(source, threads, keep)
    return out
