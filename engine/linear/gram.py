"""Symmetric items × items matrices from rows of users, made in blocks of rows: whole, or each row's entries of greatest cosine.

Whole: n_items² numbers, half of them counted along the rows (pair products / 2 increments) and mirrored. Sparse: 8 bytes an entry and
two passes of all pair products; cut to what fits in memory. Sums are float64 in a fixed order, so that threads do not change a bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.arrays import Array
from engine.blocks import in_blocks
from engine.fit.part import SomeRows
from engine.linear import column_kernels, gram_kernels
from engine.weighing.rows import UserRows

ROWS_OF_A_BLOCK = 16


class Source(ABC):
    """Makes rows of an items × items matrix. `load` float64 (n_items): what a row costs; `diagonal` float64 (n_items)."""

    load: Array
    diagonal: Array

    def begin(self, upper: bool, most: int) -> None:  # noqa: B027 - most sources need not know
        """Called before all rows are asked for, with what is looked at: of each row what lies from the diagonal on (`upper`), or its
        `most` entries of greatest magnitude; 0: all."""

    @abstractmethod
    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:
        """Rows `start` to `end`, with `upper` from the diagonal on only, into out float64 (end − start, n_items), which holds zeros."""


class Formula(NamedTuple):
    """S[i, j] = G[i, j] · left[i] · right[j] / (norms[i] · norms[j] + shrinkage), diagonal 0. left, right, norms float64 (n_items)."""

    left: Array
    right: Array
    norms: Array
    shrinkage: float

    @classmethod
    def product(cls, left: Array, right: Array) -> Formula:
        return cls(left, right, np.ones_like(left), 0.0)

    @classmethod
    def quotient(cls, norms: Array, shrinkage: float) -> Formula:
        return cls(np.ones_like(norms), np.ones_like(norms), norms, float(shrinkage))


class Gram(Source):
    """G = XᵀX of rows of users, weights and all; or what a formula makes of it. `diagonal` is that of G."""

    def __init__(self, rows: UserRows, formula: Formula | None = None) -> None:
        unsigned = rows.item_idx.view(np.dtype(f"u{rows.item_idx.itemsize}"))  # Numba then spares a test for negative positions
        self._columns = (*rows.by_item(), rows.indptr, unsigned, rows.weights)
        self._formula = formula
        self.load = load_of(rows)
        self.diagonal = diagonal_of(rows)

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:
        gram_kernels.fill(start, end, *self._columns, upper, out)
        if self._formula is not None:
            gram_kernels.normalise(start, out, *self._formula)


def diagonal_of(rows: UserRows) -> Array:
    """Of the Gram matrix, float64 (n_items)."""
    return np.bincount(rows.item_idx, weights=rows.weights.astype(np.float64) ** 2, minlength=rows.n_items)


def work_of(rows: UserRows) -> Array:
    """Increments that each item's row of a Gram matrix costs, float64 (n_items)."""
    return np.bincount(rows.item_idx, weights=np.repeat(rows.widths(), rows.widths()), minlength=rows.n_items)


def load_of(rows: UserRows) -> Array:
    """What each row of a Gram matrix costs: its increments, and a sweep over all items."""
    return work_of(rows) + rows.n_items


class SparseGram(NamedTuple):
    """Rows without the diagonal: indptr int64 (n_items + 1), item_idx int32, values float32; diagonal float64 (n_items).

    Where memory did not hold all, an entry may stand in one of its two rows only, or in none. `rest` float64 (n_items): what was left out
    of a row over the diagonal of the same items, so that an absent G[i, j] is about (rest[i] G[j, j] + rest[j] G[i, i]) / 2, or 0 where
    one of the rows is whole.
    """

    indptr: Array
    item_idx: Array
    values: Array
    diagonal: Array
    rest: Array


def each_block(source: Source, threads: int, use: Callable[[int, Array], None], *, upper: bool = False, most: int = 0) -> None:
    """Call `use(start, block)` for all rows in blocks float64 (rows, n_items); a block is overwritten after its call.

    `upper`: a block holds nothing before the column `start`. `most`: `use` looks at no more entries of a row, those of greatest magnitude.
    """

    def work(start: int, end: int) -> None:
        for first, block in blocks(source, start, end, upper=upper):
            use(first, block)

    source.begin(upper, most)
    in_blocks(work, source.load, threads)


def blocks(source: Source, start: int, end: int, *, upper: bool) -> Iterator[tuple[int, Array]]:
    """Rows `start` to `end` as `each_block` has them, each with the number of its first row."""
    room = np.empty((min(ROWS_OF_A_BLOCK, end - start), source.load.size))
    for first in range(start, end, ROWS_OF_A_BLOCK):
        last = min(first + ROWS_OF_A_BLOCK, end)
        block = room[: last - first]
        block[:, first if upper else 0 :] = 0.0
        source.fill(first, last, upper, block)
        yield first, block


def entries(source: Source, start: int, end: int, upper: bool, most: int) -> Iterator[SomeRows]:
    """The entries that are not 0 of rows `start` to `end`, some rows at a time, with values float64: what a task of many makes."""
    for first, block in blocks(source, start, end, upper=upper):
        left = first if upper else 0
        found = [left + np.flatnonzero(row[left:]) for row in block]
        if most:
            found = [_greatest(row, items, most) for row, items in zip(block, found, strict=True)]
        values = [row[items] for row, items in zip(block, found, strict=True)]
        yield SomeRows(np.array([items.size for items in found]), np.concatenate(found).astype(np.int32), np.concatenate(values))


def _greatest(row: Array, items: Array, most: int) -> Array:
    chosen, magnitudes = np.empty(most, np.int32), np.empty(most)
    n = column_kernels.greatest(row[items], most, chosen, magnitudes)
    kept: Array = items[chosen[:n]]
    return kept


def whole(source: Source, dtype: type[np.float32 | np.float64], threads: int) -> Array:
    """All of a symmetric matrix, (n_items, n_items) in row order."""
    out = upper(source, dtype, threads)
    mirror(out, threads)
    return out


def upper(source: Source, dtype: type[np.float32 | np.float64], threads: int) -> Array:
    """What lies on and above the diagonal of a symmetric matrix, (n_items, n_items) in row order; what lies below it means nothing."""
    n_items = source.load.size
    out = np.empty((n_items, n_items), dtype)

    def keep(start: int, block: Array) -> None:
        out[start : start + len(block), start:] = block[:, start:]

    each_block(source, threads, keep, upper=True)
    return out


def mirror(matrix: Array, threads: int) -> None:
    """Copy what lies above the diagonal below it, in place."""
    in_blocks(lambda start, end: column_kernels.mirror(matrix, start, end), np.arange(matrix.shape[0], 0, -1).astype(np.float64), threads)


def sparse(source: Source, memory_bytes: float, threads: int) -> SparseGram:
    """The entries of greatest cosine of each row, as many as `memory_bytes` hold when all rows are cut to one length."""
    n_items = source.load.size
    lengths = np.zeros(n_items, np.int64)
    each_block(source, threads, lambda start, block: gram_kernels.count_entries(start, block, lengths))
    indptr = np.zeros(n_items + 1, np.int64)
    np.cumsum(np.minimum(lengths, longest_that_fits(lengths, memory_bytes / 8)), out=indptr[1:])
    item_idx, values = np.empty(int(indptr[-1]), np.int32), np.empty(int(indptr[-1]), np.float32)
    diagonal, rest = source.diagonal, np.zeros(n_items)
    each_block(source, threads, lambda start, block: gram_kernels.keep_nearest(start, block, diagonal, indptr, item_idx, values, rest))
    return SparseGram(indptr, item_idx, values, diagonal, rest)


def longest_that_fits(lengths: Array, entries: float) -> int:
    """The greatest length such that rows cut to it have at most `entries` entries."""
    low, high = 0, int(lengths.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        if float(np.minimum(lengths, middle).sum()) <= entries:
            low = middle
        else:
            high = middle - 1
    return low
