"""Ridge regressions over items, S = (G + Λ)⁻¹ C, from a symmetric matrix G and what is added to its diagonal: whole, or on nearest items.

Whole, of every item on the others (C is G, the diagonal of S 0): S = I − P · diag(1 / diag P) with P = (G + Λ)⁻¹, made
in place (inverse.py), so that G, its inverse and S are one array: 4 n² bytes in float32, n³ / 2 multiply-adds. Up to FLOAT64_ITEMS items,
where the limit allows it, all is done in float64 and stored in float32. Source: Steck, WWW 2019, arXiv 1905.03375. With other targets
(slit.py): P times C, 8 n² bytes, n³ · 3 / 2.

Local: column j is the regression on the `neighbors` items of greatest cosine C[i, j] / √(G[i, i] G[j, j]) alone (with other targets j
is one of them, as S then has a diagonal): with all of them it is column j of the whole. n (N³ / 6 + N²) multiply-adds; G whole (4 n²
bytes) where that fits, else sparse. Where not even that fits, its rows are cut to their greatest cosines: absent entries count as
the average of what was cut.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.blocks import in_blocks
from engine.linear import gram, inverse, ridge_kernels
from engine.linear.gram import Source
from engine.linear.matrix import Columns, Cost, Dense, Limits, Shape, column_bytes, dense_bytes, packed

FLOAT64_ITEMS = 2048
_SHARE = 0.9  # of the limit: what a whole Gram matrix may bring the sum to
_FEWEST = 2  # times the neighbors: what a row of a cut Gram matrix holds at the least


def cost(shape: Shape, neighbors: int, limits: Limits, *, own_targets: bool = False) -> Cost:
    """Of the form that `fit` takes. `own_targets`: C is not G."""
    n, whole = shape.n_items, dense_bytes(shape.n_items)
    if not neighbors:
        arrays = 2 if own_targets else 1
        held = (2 * arrays + 1 if _is_exact(n, limits, arrays) else arrays) * whole
        counting, inverting = _fixed(shape, 0, limits), inverse.panel_bytes(n)
        peak = held + (counting + inverting if own_targets else max(counting, inverting))
        return Cost(peak, whole, (1.5 if own_targets else 0.5) * shape.pair_products, (1.5 if own_targets else 0.5) * n**3)
    fixed, most = _fixed(shape, neighbors, limits), min(neighbors, n)
    kept, solving = column_bytes(n, most), n * (most**3 / 6 + 2 * most**2)
    if _holds_whole(shape, neighbors, limits):
        return Cost(fixed + whole, kept, 1.5 * shape.pair_products, solving)
    wanted, least = 8.0 * min(float(n) * n, shape.pair_products), 8.0 * n * min(_FEWEST * most, n)
    return Cost(fixed + max(min(wanted, limits.memory_bytes - fixed), min(least, wanted)), kept, 3 * shape.pair_products, solving)


def _fixed(shape: Shape, neighbors: int, limits: Limits) -> float:
    """Bytes beside the Gram matrix: the index by item, blocks of rows, columns while they are packed."""
    blocks = 8.0 * shape.n_items * (8 + (gram.ROWS_OF_A_BLOCK + 4) * limits.threads) + 16.0 * neighbors**2 * limits.threads
    return 12.0 * shape.n_pairs + blocks + (2.5 * column_bytes(shape.n_items, neighbors) if neighbors else 0.0)


def _holds_whole(shape: Shape, neighbors: int, limits: Limits) -> bool:
    return _fixed(shape, neighbors, limits) + dense_bytes(shape.n_items) <= _SHARE * limits.memory_bytes


def _is_exact(n_items: int, limits: Limits, arrays: int) -> bool:
    """Whether a whole fit is done in float64: it then holds `arrays` of those, and the result in float32."""
    return n_items <= FLOAT64_ITEMS and (2 * arrays + 2) * dense_bytes(n_items) <= limits.memory_bytes


def fit(
    source: Source, shape: Shape, ridge: Array, neighbors: int, limits: Limits, what: str, targets: Source | None = None
) -> Dense | Columns:
    """S. `ridge` float64 (n_items) > 0: Λ. `targets` makes rows of the transpose of C, which is G without it."""
    way_out = "keep fewer neighbors" if neighbors else "solve each column on its nearest items, with --neighbors 200"
    limits.refuse_above(cost(shape, neighbors, limits, own_targets=targets is not None), what, way_out)
    if neighbors:
        return _local(source, shape, ridge, neighbors, limits, targets)
    if targets is not None:
        return Dense(_solved(source, targets, ridge, limits))
    matrix = gram.upper(source, np.float64 if _is_exact(ridge.size, limits, 1) else np.float32, limits.threads)
    del source  # with its index by item, where the caller keeps neither: what follows is long, and takes much memory
    return Dense(_whole(matrix, ridge, limits))


def _whole(matrix: Array, ridge: Array, limits: Limits) -> Array:
    """S, in place of G where that is float32."""
    n = ridge.size
    matrix[np.diag_indices(n)] += ridge.astype(matrix.dtype)
    inverse.invert(matrix, limits.threads)
    diagonal = matrix.diagonal().copy()
    in_blocks(lambda start, end: ridge_kernels.weights_of_inverse(start, end, matrix, diagonal), np.ones(n), limits.threads)
    return matrix.astype(np.float32, copy=False)


def _solved(source: Source, targets: Source, ridge: Array, limits: Limits) -> Array:
    n = ridge.size
    matrix = gram.upper(source, np.float64 if _is_exact(n, limits, 2) else np.float32, limits.threads)
    matrix[np.diag_indices(n)] += ridge.astype(matrix.dtype)
    sides = np.empty_like(matrix)  # row j: the target of item j

    def keep(start: int, block: Array) -> None:
        sides[start : start + len(block)] = block

    gram.each_block(targets, limits.threads, keep)
    inverse.invert(matrix, limits.threads)
    for start in range(0, n, inverse.STRIP):
        strip = slice(start, start + inverse.STRIP)
        sides[strip] = sides[strip] @ matrix
    del matrix
    return np.ascontiguousarray(sides.T, np.float32)


def _local(source: Source, shape: Shape, ridge: Array, neighbors: int, limits: Limits, targets: Source | None) -> Columns:
    n = shape.n_items
    most = min(neighbors, n)
    out = (np.zeros(n, np.int64), np.zeros((n, most), np.int32), np.zeros((n, most), np.float32))
    is_own = targets is not None
    norms = np.sqrt(source.diagonal)
    inverse_norms = np.divide(1.0, norms, out=np.zeros(n), where=norms > 0)
    if _holds_whole(shape, neighbors, limits):
        matrix = gram.whole(source, np.float32, limits.threads)

        def solve(start: int, sides: Array) -> None:
            ridge_kernels.columns_of_dense(start, sides, matrix, inverse_norms, ridge, is_own, most, *out)

        if targets is None:
            in_blocks(lambda start, end: solve(start, matrix[start:end]), np.ones(n), limits.threads)
            return packed(*out)
    else:
        room = max(limits.memory_bytes - _fixed(shape, neighbors, limits), 8.0 * n * min(_FEWEST * most, n))
        cut = gram.sparse(source, room, limits.threads)

        def solve(start: int, sides: Array) -> None:
            ridge_kernels.columns_of_sparse(start, sides, *cut, inverse_norms, ridge, is_own, most, *out)

    gram.each_block(source if targets is None else targets, limits.threads, solve)
    return packed(*out)
