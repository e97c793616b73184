"""The intrinsics: weighted sums of rows of a tile."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from contract.formats.artifact import TILE
from engine.score.vector_code import rows_of_one, rows_of_two


@njit
def one(tile, rows, weight, out):  # type: ignore[no-untyped-def]
    rows_of_one(tile.ctypes.data, rows.ctypes.data, rows.size, weight.ctypes.data, out.ctypes.data)


@njit
def two(tile, rows, weight, weight2, out, out2):  # type: ignore[no-untyped-def]
    rows_of_two(tile.ctypes.data, rows.ctypes.data, rows.size, weight.ctypes.data, weight2.ctypes.data, out.ctypes.data, out2.ctypes.data)


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_sums_are_those_of_numpy(n: int) -> None:
    random = np.random.default_rng(n)
    tile = random.standard_normal((400, TILE)).astype(np.float32)
    rows = random.integers(0, 400, n).astype(np.int32)
    weights = random.standard_normal((2, n)).astype(np.float32)
    out = np.full((3, TILE), np.nan, np.float32)
    one(tile, rows, weights[0], out[0])
    two(tile, rows, weights[0], weights[1], out[1], out[2])
    exact = weights.astype(np.float64) @ tile[rows].astype(np.float64)
    np.testing.assert_allclose(out[:2], exact[[0, 0]], rtol=0, atol=1e-4)
    np.testing.assert_allclose(out[2], exact[1], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(out[0], out[1])


def test_small_integers_are_summed_exactly_and_nothing_beside_the_sums_is_written() -> None:
    tile = np.arange(3 * TILE, dtype=np.float32).reshape(3, TILE)
    rows, weight = np.array([2, 0, 2], np.int32), np.array([1, 3, -2], np.float32)
    out = np.full(TILE + 2, -7, np.float32)
    one(tile, rows, weight, out[1:])
    np.testing.assert_array_equal(out[1:-1], 3 * tile[0] - tile[2])
    assert (out[0], out[-1]) == (-7, -7)
