"""Item-item similarity in the three forms that an artifact may hold: dense tiles, sparse rows, nearest neighbors only."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from contract.artifacts.artifact import TILE
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.blocks import RELEASE_EVERY, in_blocks, release
from engine.fit import counting_kernels as counting
from engine.fit import neighbor_kernels, row_kernels
from engine.fit import similarity_kernels as kernels
from engine.fit.neighbor_kernels import SWEPT
from engine.fit.popular import Popular, by_popularity

# Multiply-adds a second of one worker process, on the slow side of what today's cores do: shards come out short, not long.
DENSE_PER_S = 4e9
SPARSE_PER_S = 2e8
SLOW_S = 30.0  # of one worker, for all users: what a smaller artifact is worth

_SHORT = 1 << 16
_SAMPLED_ROWS = 32  # of the similarity, to tell whether it is dense
NOTHING = (np.empty(0, np.int32), np.empty(0, np.float32))  # rows_sparse then only counts
_PER_SWEPT = 1 / 4  # cost of a counter that is swept in increments of a counter
_COPIED = 1 << 14  # rows of neighbors at once


class Fitted(NamedTuple):
    """What was made of a similarity: its layout, and the multiply-adds that one interaction costs when scores are made from it."""

    layout: Literal["dense", "sparse"]
    row_work: float


class Choice(NamedTuple):
    """A layout, and what it costs: bytes on disk, and multiply-adds that one interaction costs when scores are made from it."""

    layout: Literal["dense", "sparse"]
    n_bytes: int
    row_work: float


class Similarity:
    """One fit: what its three forms share. `indptr` int64 and `indices` int32 are the CSR rows of users."""

    def __init__(self, indptr: Array, indices: Array, n_items: int, model: ModelSettings) -> None:
        item_ends, item_users = row_kernels.transpose(indptr, indices, n_items)
        self._f = np.maximum(np.diff(item_ends), 1).astype(np.int32)  # nobody's items share nothing: 0 / 1, where 0 / 0 is none
        self._how = (self._f, kernels.SIMILARITIES.index(model.similarity), model.threshold)
        self._n_items, self._n_neighbors = n_items, model.neighbors
        self._n_tiles = -(-n_items // TILE)
        # Without a sign, Numba spares a test for negative positions; in two bytes, more of a row comes with a cache line.
        others = indices.astype(np.uint16) if n_items <= _SHORT else indices.view(np.uint32)
        self._events = (item_ends, item_users, indptr, others)
        self.dense_bytes = 4 * TILE * self._n_tiles * n_items

    def sparse_bytes(self) -> int:
        """Of the sparse layout, estimated from evenly spaced rows (exact for small catalogues)."""
        sampled = range(0, self._n_items, -(-self._n_items // _SAMPLED_ROWS))
        length = np.empty(1, np.int64)
        entries = sum(kernels.rows_sparse(i, i + 1, self._events, *self._how, length, *NOTHING) for i in sampled)
        return int(8 * (self._n_items + 1) + 8 * self._n_items * entries / len(sampled))

    def neighbor_bytes(self, n_neighbors: int) -> int:
        return 8 * (self._n_items + 1) + 8 * self._n_items * (n_neighbors + 1)

    def choose(self, limit_bytes: float) -> Choice:
        """The smaller layout; but dense where sparse would cost much scoring, unless only sparse fits `limit_bytes`."""
        if self._n_neighbors:
            return Choice("sparse", self.neighbor_bytes(self._n_neighbors), self._n_neighbors + 1)
        dense = Choice("dense", self.dense_bytes, self._n_items)
        n_bytes = self.sparse_bytes()
        sparse = Choice("sparse", n_bytes, n_bytes / 8 / self._n_items)
        if sparse.n_bytes >= dense.n_bytes:
            return dense
        n_interactions = self._events[3].size
        sparse_s, dense_s = n_interactions * sparse.row_work / SPARSE_PER_S, n_interactions * dense.row_work / DENSE_PER_S
        return sparse if sparse_s <= max(dense_s, SLOW_S) or dense.n_bytes > limit_bytes else dense

    def neighbors_in(self, limit_bytes: float) -> int:
        """The most neighbors that `limit_bytes` hold."""
        return max(0, int((limit_bytes - 8 * (self._n_items + 1)) // (8 * self._n_items)) - 1)

    def counting_steps(self) -> float:
        """Increments of counters that the counting costs, with words of bit sets as what they cost in increments."""
        popular = Popular.among(self._events, self._f)
        work = popular.increments(self._events)
        formulas = self._selecting(work).sum() if self._n_neighbors else self._n_items**2
        return float(work.sum() + formulas) + popular.bit_sets(self._events[2].size - 1)

    def dense(self, allocate: Allocate, threads: int, report: Report) -> Fitted:
        tiles = allocate("similarity", np.float32, (self._n_tiles, self._n_items, TILE))
        events = Popular.among(self._events, self._f).counted(self._events, np.arange(self._n_items, dtype=np.int32), threads)

        def report_and_release(done: int, total: int) -> None:
            report(done, total)
            if done % RELEASE_EVERY == 0:
                release(tiles)

        in_blocks(lambda start, end: kernels.fill_dense(tiles, 0, start, end, events, *self._how), self._f, threads, report_and_release)
        return Fitted("dense", self._n_items)

    def sparse(self, allocate: Allocate, threads: int, report: Report) -> Fitted:
        """Counts the entries, then fills them in: twice the work, and no copy of the result."""
        lengths = np.empty(self._n_items, np.int64)

        def count(start: int, end: int) -> None:
            kernels.rows_sparse(start, end, self._events, *self._how, lengths[start:end], *NOTHING)

        in_blocks(count, self._f, threads, lambda done, total: report(done, 2 * total))
        indptr, indices, data = self._csr(allocate, lengths)

        def fill(start: int, end: int) -> None:
            part = slice(int(indptr[start]), int(indptr[end]))
            if part.start < part.stop:
                kernels.rows_sparse(start, end, self._events, *self._how, lengths[start:end], indices[part], data[part])

        in_blocks(fill, self._f, threads, lambda done, total: report(total + done, 2 * total))
        return Fitted("sparse", data.size / self._n_items)

    def neighbors(self, allocate: Allocate, threads: int, report: Report) -> Fitted:
        n, width = self._n_items, self._n_neighbors + 1
        lengths, best, values = np.empty(n, np.int64), np.empty((n, width), np.int32), np.empty((n, width), np.float32)
        popular, numbering = Popular.among(self._events, self._f), by_popularity(self._f)
        events, work = popular.counted(self._events, numbering[1], threads), popular.increments(self._events)

        def select(start: int, end: int) -> None:
            out = (lengths[start:end], best[start:end], values[start:end])
            neighbor_kernels.rows_of_neighbors(start, end, events, work, numbering, *self._how, self._n_neighbors, *out)

        in_blocks(select, work + self._selecting(work), threads, report)
        indptr, indices, data = self._csr(allocate, lengths)
        for start in range(0, n, _COPIED):
            end = min(start + _COPIED, n)
            kept, to = np.arange(width) < lengths[start:end, None], slice(int(indptr[start]), int(indptr[end]))
            indices[to], data[to] = best[start:end][kept], values[start:end][kept]
        return Fitted("sparse", data.size / n)

    def _csr(self, allocate: Allocate, lengths: Array) -> tuple[Array, Array, Array]:
        indptr = allocate("similarity_indptr", np.int64, (self._n_items + 1,))
        indptr[1:] = np.cumsum(lengths)
        entries = (int(indptr[-1]),)
        return indptr, allocate("similarity_indices", np.int32, entries), allocate("similarity_data", np.float32, entries)

    def _selecting(self, work: Array) -> Array:
        """What it costs to find the neighbors among the counts of each item, in increments of a counter, float64 (n_items)."""
        increments: Array = np.minimum(work * SWEPT, self._n_items) * _PER_SWEPT
        return increments


def warm() -> None:
    """Compile, or load from Numba's cache, what a fit calls. Starts no thread."""
    fit = Similarity(np.array([0, 1]), np.zeros(1, np.int32), 1, ModelSettings())
    one, counts = Popular(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones(1, np.int64)), np.zeros((1, 1), np.int32)
    counting.count_popular(0, 1, counting.set_bits(one.items, *fit._events[:2], 1), counts)
    counting.popular_first(0, 1, *fit._events[2:], one.place, one.tails, one.place, np.empty_like(fit._events[3]))
    events, length = (*fit._events, one.tails, one.items, one.place, counts), np.empty(1, np.int64)
    kernels.fill_dense(np.zeros((1, 1, TILE), np.float32), 0, 0, 1, events, *fit._how)
    kernels.rows_sparse(0, 1, fit._events, *fit._how, length, np.empty(1, np.int32), np.empty(1, np.float32))
    out = (length, np.empty((1, 2), np.int32), np.empty((1, 2), np.float32))
    neighbor_kernels.rows_of_neighbors(0, 1, events, one.increments(fit._events), by_popularity(fit._f), *fit._how, 1, *out)
