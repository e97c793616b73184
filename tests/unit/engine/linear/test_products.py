"""Products of parts of matrices, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from engine.linear import products


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (5, 3, 7), (64, 20, 1), (1, 20, 64), (0, 3, 4), (4, 3, 0)])
def test_parts_of_greater_matrices_are_multiplied_in_place(dtype: type[np.float32 | np.float64], m: int, k: int, n: int) -> None:
    random = np.random.default_rng(m + k + n)
    left, right, out = random.integers(-9, 9, (3, 70, 80)).astype(dtype)
    before, exact = out.copy(), left[2 : 2 + k, 3 : 3 + m].T @ right[1 : 1 + k, 4 : 4 + n]
    part = out[1 : 1 + m, 2 : 2 + n]
    products.subtract(left[2 : 2 + k, 3 : 3 + m], right[1 : 1 + k, 4 : 4 + n], part)
    np.testing.assert_array_equal(part, before[1 : 1 + m, 2 : 2 + n] - exact)
    products.multiply(left[2 : 2 + k, 3 : 3 + m], right[1 : 1 + k, 4 : 4 + n], part)
    np.testing.assert_array_equal(part, exact)
    part[:] = before[1 : 1 + m, 2 : 2 + n]
    np.testing.assert_array_equal(out, before)
