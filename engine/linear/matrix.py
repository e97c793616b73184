"""What a fit returns, may use and costs.

S[i, j] is what the seen item i says for item j: score = A · S, so the column of j holds all that speaks for j, or against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from contract.errors import SettingsError
from contract.machine import n_cores
from engine.arrays import Array
from engine.linear import column_kernels as kernels
from engine.linear.gram import Gram, Source
from engine.weighing.rows import UserRows

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Dense:
    """`values` float32 (n_items, n_items), row by row."""

    values: Array

    @property
    def n_bytes(self) -> int:
        return int(self.values.nbytes)

    @property
    def row_work(self) -> float:
        """Multiply-adds that one interaction costs when scores are made."""
        return float(self.values.shape[0])


@dataclass(frozen=True, slots=True)
class Columns:
    """CSC: indptr int64 (n_items + 1), item_idx int32, rising within a column, values float32; zeros are left out."""

    indptr: Array
    item_idx: Array
    values: Array

    @property
    def n_bytes(self) -> int:
        return int(self.indptr.nbytes + self.item_idx.nbytes + self.values.nbytes)

    @property
    def row_work(self) -> float:
        return self.values.size / max(1, self.indptr.size - 1)

    def to_rows(self) -> tuple[Array, Array, Array]:
        """The same in CSR, as scoring reads it: indptr int64, item_idx int32 rising within a row, values float32."""
        rows: tuple[Array, Array, Array] = kernels.transposed(self.indptr, self.item_idx, self.values)
        return rows

    def to_dense(self) -> Array:
        n = self.indptr.size - 1
        values = np.zeros((n, n), np.float32)
        values[self.item_idx, np.repeat(np.arange(n), np.diff(self.indptr))] = self.values
        return values


def with_diagonal(matrix: Dense | Columns, added: float) -> Dense | Columns:
    """The matrix with `added` on its diagonal: what each item says for itself. A dense one is changed in place."""
    if isinstance(matrix, Dense):
        np.einsum("ii->i", matrix.values)[:] += np.float32(added)
        return matrix
    n = matrix.indptr.size - 1
    column = np.repeat(np.arange(n), np.diff(matrix.indptr))
    is_own = matrix.item_idx == column
    values = np.where(is_own, matrix.values + np.float32(added), matrix.values)
    lacks = np.ones(n, bool)
    lacks[column[is_own]] = False
    own = np.flatnonzero(lacks)
    places = np.searchsorted(column * n + matrix.item_idx, own * n + own)
    ends = matrix.indptr + np.concatenate(([0], np.cumsum(lacks)))
    return Columns(ends, np.insert(matrix.item_idx, places, own), np.insert(values, places, np.float32(added)))


@dataclass(frozen=True, slots=True)
class Fitted:
    """`prior` float32 (n_items), added to everybody's scores, or None."""

    matrix: Dense | Columns
    prior: Array | None = None

    def scores(self, affinity: UserRows, user: int) -> Array:
        """Scores of one user, float64 (n_items): the definition, for tests and small sums."""
        row = slice(int(affinity.indptr[user]), int(affinity.indptr[user + 1]))
        weights, items = affinity.weights[row].astype(np.float64), affinity.item_idx[row]
        if isinstance(self.matrix, Dense):
            total: Array = weights @ self.matrix.values[items].astype(np.float64)
        else:
            ends, columns, values = self.matrix.to_rows()
            total = np.zeros(affinity.n_items)
            for weight, item in zip(weights, items.tolist(), strict=True):
                part = slice(int(ends[item]), int(ends[item + 1]))
                total[columns[part]] += weight * values[part]
        return total if self.prior is None else total + self.prior


@dataclass(frozen=True, slots=True)
class Limits:
    """What a fit may use: bytes beyond its rows, its result included; threads of its own; and what makes the Gram matrix of rows, as
    gram.Gram does, by a formula or without."""

    memory_bytes: float = 4 * GIB
    threads: int = field(default_factory=n_cores)
    gram: Callable[..., Source] = Gram

    def refuse_above(self, cost: Cost, what: str, way_out: str) -> None:
        """Raises SettingsError where a fit would take more memory than it may."""
        if cost.peak_bytes > self.memory_bytes:
            raise SettingsError(
                f"{what} would take {cost.peak_bytes / GIB:.2f} GiB, and the limit is {self.memory_bytes / GIB:.2f}: "
                f"raise LARDER_MAX_MEMORY_GB, or {way_out}"
            )


class Shape(NamedTuple):
    """What the cost of a fit depends on. `pair_products`: the squares of the users' numbers of items, added up."""

    n_users: int
    n_items: int
    n_pairs: int
    pair_products: float

    @classmethod
    def of(cls, rows: UserRows) -> Shape:
        return cls(rows.n_users, rows.n_items, rows.n_pairs, float((rows.widths().astype(np.float64) ** 2).sum()))


class Cost(NamedTuple):
    """Bytes beyond the rows at the most, and of the result; increments of counters along rows; multiply-adds of linear algebra.

    Counting runs at 3e8 to 1e9 increments a second and thread; linear algebra of a whole matrix at 3e10 and more multiply-adds a second
    and core in float32, that of many small systems at about 2e9 a thread.
    """

    peak_bytes: float
    matrix_bytes: float
    counting_steps: float
    multiply_adds: float


def dense_bytes(n_items: int) -> float:
    return 4.0 * n_items * n_items


def column_bytes(n_items: int, neighbors: int) -> float:
    return 8.0 * (n_items + 1) + 8.0 * n_items * min(neighbors, n_items)


def packed(lengths: Array, item_idx: Array, values: Array) -> Columns:
    """Columns from arrays (n_items, most) of which column j fills its first lengths[j] places."""
    indptr = np.zeros(lengths.size + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    kept = np.arange(item_idx.shape[1]) < lengths[:, None]
    return Columns(indptr, item_idx[kept], values[kept])
