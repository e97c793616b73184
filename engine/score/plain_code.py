"""The innermost loop of dense scoring in plain Numba: the twin of vector_code.py, with the same bits, at half the speed.

Each sum takes its products in the order of the rows, and `contract` lets LLVM make one fused multiply-add of a product and its addition
where the CPU has one: what the vector code asks for by name.
"""

from __future__ import annotations

from numba import njit

from contract.artifacts.artifact import TILE


@njit(fastmath={"contract"})
def add_rows(tile, rows, weights, out):  # type: ignore[no-untyped-def]
    """out[0:TILE] = Σ_t weights[t] · tile[rows[t]]: tile float32 (n_items, TILE), rows int32, weights float32."""
    for j in range(TILE):
        out[j] = 0.0
    for t in range(rows.size):
        row, weight = tile[rows[t]], weights[t]
        for j in range(TILE):
            out[j] += weight * row[j]


@njit
def add_rows_twice(tile, rows, weights, weights2, out, out2):  # type: ignore[no-untyped-def]
    """The same with two weights a row."""
    add_rows(tile, rows, weights, out)
    add_rows(tile, rows, weights2, out2)
