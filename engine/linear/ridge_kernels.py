"""Compiled inner loops of ridge regressions: one small system per column, and what turns an inverse into weights."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from engine.linear.column_kernels import greatest

PIVOTS = 4
_LEAST = 1e-10  # of a pivot, as a part of the greatest diagonal element: below it a matrix is not taken as positive definite


@njit(nogil=True, cache=True)
def solve(a, b, n):  # type: ignore[no-untyped-def]
    """Solve a · x = b in place, a (n, n) symmetric by its upper half; False where a is not positive definite. All float64.

    Cholesky's a = UᵀU, PIVOTS rows at a time: what they take from the rows below runs along rows, which LLVM turns into vectors.
    """
    largest = 0.0
    for i in range(n):
        largest = max(largest, a[i, i])
    least = largest * _LEAST
    for first in range(0, n, PIVOTS):
        last = min(first + PIVOTS, n)
        for k in range(first, last):
            for p in range(first, k):
                factor = a[p, k]
                for j in range(k, n):
                    a[k, j] -= factor * a[p, j]
            if not a[k, k] > least:
                return False
            root = 1.0 / np.sqrt(a[k, k])
            for j in range(k, n):
                a[k, j] *= root
        for i in range(last, n):
            one, two, three, four = a[first, i], a[first + 1, i], a[first + 2, i], a[first + 3, i]
            for j in range(i, n):
                a[i, j] -= one * a[first, j] + two * a[first + 1, j] + three * a[first + 2, j] + four * a[first + 3, j]
    for i in range(n):  # Uᵀ y = b
        b[i] /= a[i, i]
        value = b[i]
        for j in range(i + 1, n):
            b[j] -= value * a[i, j]
    for i in range(n - 1, -1, -1):  # U x = y
        total = b[i]
        for j in range(i + 1, n):
            total -= a[i, j] * b[j]
        b[i] = total / a[i, i]
    return True


@njit(nogil=True, cache=True)
def solve_raised(a, b, work, right, n):  # type: ignore[no-untyped-def]
    """As `solve`, but a is kept; where it is not positive definite (a cut Gram matrix may not be), its diagonal is raised until it is.

    work (n, n) and right (n) are worked in; the solution goes into b. Returns what was added to the diagonal.
    """
    raised, largest = 0.0, 0.0
    for i in range(n):
        largest = max(largest, a[i, i])
    while True:
        for i in range(n):
            right[i] = b[i]
            work[i, i:n] = a[i, i:n]
            work[i, i] += raised
        if solve(work, right, n):
            b[:n] = right[:n]
            return raised
        raised = max(4.0 * raised, 0.01 * largest, 1e-30)


@njit(nogil=True, cache=True)
def columns_of_dense(start, targets, matrix, inverse_norms, ridge, is_own, most, lengths, out_items, out_values):  # type: ignore[no-untyped-def]
    """Columns from `start` on: of each, ridge regression on the `most` items of greatest cosine with its target.

    targets (columns, n): right sides, one a row; matrix (n, n): G, symmetric; inverse_norms float64 (n): 1 / √ of its diagonal, 0 for 0;
    ridge float64 (n): added to the diagonal; `is_own`: the item itself is its own nearest, else it is none of them. Out: lengths
    int64 (n); out_items int32, rising, and out_values float32 (n, most).
    """
    n_items = ridge.size
    cosines, magnitudes = np.empty(n_items, np.float64), np.empty(most, np.float64)
    a, work = np.empty((most, most), np.float64), np.empty((most, most), np.float64)
    b, right = np.empty(most, np.float64), np.empty(most, np.float64)
    for c in range(targets.shape[0]):
        j = start + c
        for i in range(n_items):
            cosines[i] = targets[c, i] * inverse_norms[i]
        cosines[j] = np.inf if is_own else 0.0
        n = greatest(cosines, most, out_items[j], magnitudes)
        for r in range(n):
            i = out_items[j, r]
            b[r] = targets[c, i]
            for s in range(r, n):
                a[r, s] = matrix[i, out_items[j, s]]
            a[r, r] += ridge[i]
        solve_raised(a, b, work, right, n)
        for r in range(n):
            out_values[j, r] = b[r]
        lengths[j] = n


@njit(nogil=True, cache=True)
def columns_of_sparse(  # type: ignore[no-untyped-def]
    start, targets, indptr, item_idx, values, diagonal, rest, inverse_norms, ridge, is_own, most, lengths, out_items, out_values
):
    """The same from rows of G in CSR without the diagonal (gram.SparseGram): what was cut counts as its row has it on average."""
    n_items = ridge.size
    place = np.full(n_items, -1, np.int32)
    cosines, magnitudes = np.empty(n_items, np.float64), np.empty(most, np.float64)
    a, work = np.empty((most, most), np.float64), np.empty((most, most), np.float64)
    b, right = np.empty(most, np.float64), np.empty(most, np.float64)
    for c in range(targets.shape[0]):
        j = start + c
        for i in range(n_items):
            cosines[i] = targets[c, i] * inverse_norms[i]
        cosines[j] = np.inf if is_own else 0.0
        n = greatest(cosines, most, out_items[j], magnitudes)
        for r in range(n):
            place[out_items[j, r]] = r
        for r in range(n):
            i = out_items[j, r]
            b[r] = targets[c, i]
            a[r, r] = diagonal[i] + ridge[i]
            for s in range(r + 1, n):
                other = out_items[j, s]
                is_cut = rest[i] > 0.0 and rest[other] > 0.0
                a[r, s] = 0.5 * (rest[i] * diagonal[other] + rest[other] * diagonal[i]) if is_cut else 0.0
        for r in range(n):
            i = out_items[j, r]
            for at in range(indptr[i], indptr[i + 1]):
                s = place[item_idx[at]]
                if s >= 0:
                    a[min(r, s), max(r, s)] = values[at]
        solve_raised(a, b, work, right, n)
        for r in range(n):
            out_values[j, r] = b[r]
            place[out_items[j, r]] = -1
        lengths[j] = n


@njit(nogil=True, cache=True)
def weights_of_inverse(start, end, inverse, diagonal):  # type: ignore[no-untyped-def]
    """Rows `start` to `end` of B[i, j] = -P[i, j] / P[j, j] with a diagonal of 0, in place of P. diagonal (n): a copy of P's."""
    for i in range(start, end):
        for j in range(diagonal.size):
            inverse[i, j] = -inverse[i, j] / diagonal[j]
        inverse[i, i] = 0.0
