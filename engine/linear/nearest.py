"""Similar items of every item: the positive entries of its column of S, what speaks for it most, in CSR with one row an item.

Rows of S say what an item speaks for, which favours what is popular anyway. 8 bytes for each of n_items · depth entries.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.blocks import in_blocks
from engine.linear import column_kernels as kernels
from engine.linear.matrix import Columns, Dense, packed

_COLUMNS = 64  # of a dense matrix, that are turned at a time


def nearest(matrix: Dense | Columns, depth: int, left_out: Array, threads: int) -> tuple[Array, Array, Array]:
    """indptr int64, item_idx int32, rising within a row, values float32: of each item the `depth` others that speak for it most.

    Ties go to the lower item_idx. `left_out` bool (n_items): what is in no row, but has one.
    """
    n_items = left_out.size
    most = min(depth, n_items)
    out = (np.zeros(n_items, np.int64), np.zeros((n_items, most), np.int32), np.zeros((n_items, most), np.float32))

    def of_dense(start: int, end: int) -> None:
        for first in range(start, end, _COLUMNS):
            last = min(first + _COLUMNS, end)
            kernels.positive_of_rows(first, np.ascontiguousarray(values[:, first:last].T), left_out, *out)

    def of_columns(start: int, end: int) -> None:
        kernels.positive_of_columns(start, end, *columns, left_out, *out)

    if isinstance(matrix, Dense):
        values = matrix.values
        in_blocks(of_dense, np.ones(n_items), threads)
    else:
        columns = (matrix.indptr, matrix.item_idx, matrix.values)
        in_blocks(of_columns, np.ones(n_items), threads)
    rows = packed(*out)
    return rows.indptr, rows.item_idx, rows.values


def nearest_of_tiles(tiles: Array, depth: int, left_out: Array, threads: int) -> tuple[Array, Array, Array]:
    """The same of the tiles of an artifact, float32 (n_tiles, n_items, TILE)."""
    n_items, width = left_out.size, tiles.shape[2]
    most = min(depth, n_items)
    out = (np.zeros(n_items, np.int64), np.zeros((n_items, most), np.int32), np.zeros((n_items, most), np.float32))

    def work(start: int, end: int) -> None:
        for tile in range(start, end):
            first = tile * width
            kernels.positive_of_rows(first, np.ascontiguousarray(tiles[tile].T[: n_items - first]), left_out, *out)

    in_blocks(work, np.ones(tiles.shape[0]), threads)
    rows = packed(*out)
    return rows.indptr, rows.item_idx, rows.values
