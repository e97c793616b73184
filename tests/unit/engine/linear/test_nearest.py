"""Similar items are the positive entries of a column, in either layout of a fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.arrays import Array
from engine.linear.matrix import Columns, Dense
from engine.linear.nearest import nearest

LAYOUTS = ("dense", "columns")
layouts = pytest.mark.parametrize("layout", LAYOUTS)


def laid_out(matrix: Array, layout: str) -> Dense | Columns:
    if layout == "dense":
        return Dense(matrix.astype(np.float32))
    column, row = np.nonzero(matrix.T)
    ends = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=len(matrix)))))
    return Columns(ends.astype(np.int64), row.astype(np.int32), matrix[row, column].astype(np.float32))


def found(matrix: Array, layout: str, depth: int, left_out: Array | None = None) -> list[list[tuple[int, float]]]:
    mask = np.zeros(len(matrix), bool) if left_out is None else left_out
    indptr, items, values = nearest(laid_out(matrix, layout), depth, mask, 2)
    parts = [slice(first, last) for first, last in pairwise(indptr.tolist())]
    return [list(zip(items[part].tolist(), values[part].tolist(), strict=True)) for part in parts]


@layouts
@pytest.mark.parametrize("n_items", [1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize("depth", [1, 7, 500])
def test_they_are_those_of_a_sorted_column(n_items: int, depth: int, layout: str) -> None:
    """Eighths, so that ties abound; some below 0, some 0, and some on the diagonal."""
    random = np.random.default_rng(n_items)
    matrix = random.integers(-6, 7, (n_items, n_items)) / 8
    left_out = random.random(n_items) < 0.1
    expected = []
    for j in range(n_items):
        others = [i for i in range(n_items) if matrix[i, j] > 0 and i != j and not left_out[i]]
        best = sorted(others, key=lambda i: (-matrix[i, j], i))[:depth]
        expected.append([(i, float(matrix[i, j])) for i in sorted(best)])
    assert found(matrix, layout, depth, left_out) == expected


@layouts
def test_a_column_is_read_not_a_row(layout: str) -> None:
    """Item 0 speaks for item 1: who looks at 1 sees 0."""
    assert found(np.array([[0.0, 0.5], [-0.5, 0.0]]), layout, 1) == [[], [(0, 0.5)]]
