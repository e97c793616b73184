"""The inverse of a symmetric, positive definite matrix, in place, by matrix products alone.

For each block of rows k, with D = A[k, k]⁻¹:  A[i, j] −= A[i, k] D A[k, j],  A[i, k] = A[i, k] D,  A[k, k] = −D;  in the end A is −A⁻¹.
(The sweep operator, Goodnight, The American Statistician 1979, by blocks.) Only what lies on and above the diagonal is computed, so that it
takes n³ / 2 multiply-adds, as Cholesky's inverse does, all but n BLOCK² of them in matrix products (products.py). Memory beside the matrix:
two panels (BLOCK, n). LAPACK's potrf and potri would do the same; they are not relied on, because a fit
of 26,744 rows in float32 ended in a segmentation fault there (OpenBLAS 0.3.30, two threads), which could not be reproduced since.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from contract.errors import SettingsError
from engine.arrays import Array
from engine.linear import gram, products

BLOCK = 512
STRIP = 1024
_SQUARE = 64


def panel_bytes(n: int) -> float:
    """What `invert` takes beside the matrix, in float32."""
    return 8.0 * n * min(BLOCK, n) + 24.0 * min(BLOCK, n) ** 2


def invert(matrix: Array, threads: int, report: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """`matrix` (n, n) float32 or float64 in row order, of which what lies on and above the diagonal is read. Products use BLAS' threads;
    `threads` copy what lies above the diagonal below it. Raises SettingsError where the matrix is not positive definite."""
    n = matrix.shape[0]
    panel, product = np.empty((min(BLOCK, n), n), matrix.dtype), np.empty((min(BLOCK, n), n), matrix.dtype)
    for first in range(0, n, BLOCK):
        last = min(first + BLOCK, n)
        inverse = _small(matrix[first:last, first:last])
        rows, scaled = panel[: last - first], product[: last - first]
        for top in range(0, first, _SQUARE):  # in squares that stay in cache
            above = slice(top, min(top + _SQUARE, first))
            rows[:, above] = matrix[above, first:last].T
        rows[:, first:last] = 0.0
        rows[:, last:] = matrix[first:last, last:]
        products.multiply(inverse.astype(matrix.dtype), rows, scaled)
        for top in range(0, n, STRIP):
            products.subtract(rows[:, top : top + STRIP], scaled[:, top:], matrix[top : top + STRIP, top:])
        for top in range(0, first, _SQUARE):
            above = slice(top, min(top + _SQUARE, first))
            matrix[above, first:last] = scaled[:, above].T
        matrix[first:last, last:] = scaled[:, last:]
        matrix[first:last, first:last] = -inverse
        report(last, n)
    for top in range(0, n, STRIP):
        strip = matrix[top : top + STRIP, top:]
        np.negative(strip, out=strip)
    gram.mirror(matrix, threads)


def _small(block: Array) -> Array:
    """The inverse of a block, in float64."""
    whole = np.triu(block).astype(np.float64)
    factor, failed = lapack.dpotrf(whole, lower=0, clean=1)
    if not failed:
        factor, failed = lapack.dpotri(factor, lower=0)
    if failed:
        raise SettingsError("the Gram matrix with its ridge is not positive definite in this precision: raise lambda")
    upper = np.triu(factor)
    made: Array = upper + np.triu(upper, 1).T
    return made
