"""out ← leftᵀ · right, or out − leftᵀ · right, for parts of matrices in row order: the gemm of BLAS.

NumPy multiplies into an array of its own, which is then added in a pass of one thread. SciPy gives out the addresses of its BLAS
for compiled code (scipy.linalg.cython_blas); with them a product is added where it belongs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import get_cython_function_address

from engine.arrays import Array

_INT = ctypes.c_int
_NUMBERS: dict[Any, tuple[str, Any]] = {np.dtype(np.float32): ("sgemm", ctypes.c_float), np.dtype(np.float64): ("dgemm", ctypes.c_double)}


def _of(name: str, number: Any) -> Callable[..., None]:
    """BLAS' function: transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, all by their addresses, in the order of columns."""
    integer, value, array = ctypes.POINTER(_INT), ctypes.POINTER(number), ctypes.c_void_p
    kinds = [ctypes.c_char_p, ctypes.c_char_p, integer, integer, integer, value, array, integer, array, integer, value, array, integer]
    return ctypes.CFUNCTYPE(None, *kinds)(get_cython_function_address("scipy.linalg.cython_blas", name))


_GEMM = {dtype: (_of(name, number), number) for dtype, (name, number) in _NUMBERS.items()}


def multiply(left: Array, right: Array, out: Array) -> None:
    """out (m, n) = leftᵀ · right, of left (k, m) and right (k, n)."""
    _gemm(1.0, left, right, 0.0, out)


def subtract(left: Array, right: Array, out: Array) -> None:
    """out (m, n) −= leftᵀ · right, of left (k, m) and right (k, n)."""
    _gemm(-1.0, left, right, 1.0, out)


def _gemm(factor: float, left: Array, right: Array, kept: float, out: Array) -> None:
    """A matrix in row order is its transpose in the order of columns: outᵀ = rightᵀ · left. All of one dtype, float32 or float64."""
    gemm, number = _GEMM[out.dtype]
    (k, m), (_, n) = left.shape, right.shape
    if out.size == 0:
        return
    sizes = [ctypes.byref(_INT(size)) for size in (n, m, k)]
    (a, lda), (b, ldb), (c, ldc) = (_address(part) for part in (right, left, out))
    gemm(b"N", b"T", *sizes, ctypes.byref(number(factor)), a, lda, b, ldb, ctypes.byref(number(kept)), c, ldc)


def _address(part: Array) -> tuple[int, Any]:
    """Of the first number, and how many numbers a row is from the next."""
    return part.ctypes.data, ctypes.byref(_INT(max(part.strides[0] // part.itemsize, part.shape[1], 1)))
