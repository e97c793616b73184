"""Models that are a Gram matrix and a formula (gram.Formula).

With `neighbors` each column is made by itself and keeps its entries of greatest magnitude: 20 bytes an entry while it is made, whatever
the catalogue. Without, the whole matrix is made: 4 n_items² bytes. Either takes all pair products in increments.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.linear import gram, gram_kernels
from engine.linear.gram import Formula
from engine.linear.matrix import Columns, Cost, Dense, Limits, Shape, column_bytes, dense_bytes, packed
from engine.weighing.rows import UserRows


def cost(shape: Shape, neighbors: int, limits: Limits) -> Cost:
    work = 12.0 * shape.n_pairs + 8.0 * shape.n_items * (8 + gram.ROWS_OF_A_BLOCK * limits.threads)
    if neighbors:
        kept = column_bytes(shape.n_items, neighbors)
        return Cost(work + 2.5 * kept, kept, shape.pair_products, 0.0)
    whole = dense_bytes(shape.n_items)
    return Cost(work + whole, whole, shape.pair_products, 0.0)


def fit(rows: UserRows, formula: Formula, neighbors: int, limits: Limits, what: str) -> Dense | Columns:
    """S of weights as they are in `rows`."""
    limits.refuse_above(cost(Shape.of(rows), neighbors, limits), what, "keep the nearest items only, with --neighbors")
    n = rows.n_items
    if not neighbors:
        matrix = np.empty((n, n), np.float32)

        def keep(start: int, block: Array) -> None:
            matrix[start : start + len(block)] = block

        gram.each_block(limits.gram(rows, formula), limits.threads, keep)
        return Dense(matrix)
    most = min(neighbors, n)
    kept = (np.zeros(n, np.int64), np.zeros((n, most), np.int32), np.zeros((n, most), np.float32))
    # G is symmetric: its row j becomes column j of S where left and right change places.
    turned = formula._replace(left=formula.right, right=formula.left)

    def select(start: int, block: Array) -> None:
        gram_kernels.keep_greatest(start, block, most, *kept)

    gram.each_block(limits.gram(rows, turned), limits.threads, select, most=most)
    return packed(*kept)
