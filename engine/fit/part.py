"""Some rows of a similarity, from the rows of those users alone who have one of these items: what one task of many makes.

Counts of users are whole numbers, and the formula is given the frequencies among all users: rows are those of `Similarity`, byte for byte.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from contract.artifacts.artifact import TILE
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import similarity_kernels as kernels
from engine.fit.neighbor_kernels import rows_of_neighbors
from engine.fit.popular import Popular, by_popularity
from engine.fit.similarity import NOTHING, Similarity


class SomeRows(NamedTuple):
    """CSR rows: lengths int64, item_idx int32, values float32; or, with empty lengths, columns of tiles (n_tiles, rows, TILE)."""

    lengths: Array
    item_idx: Array
    values: Array


class Part(Similarity):
    """Rows `start` to `end`. `indptr`, `indices`: rows of all users who have one of these items, and of any others; `frequencies`:
    users of every item, among all users."""

    def __init__(self, indptr: Array, indices: Array, frequencies: Array, start: int, end: int, model: ModelSettings) -> None:
        if indptr.size == 1:
            indptr = np.zeros(2, np.int64)  # one user, who has nothing
        super().__init__(indptr, indices, frequencies.size, model)
        self._how = (np.maximum(frequencies, 1).astype(np.int32), *self._how[1:])
        self._start, self._end = start, end

    def rows(self, layout: Literal["dense", "sparse"]) -> SomeRows:
        """As `Similarity.choose` has chosen for all of them."""
        if self._n_neighbors:
            return self._nearest()
        return self._tiles() if layout == "dense" else self._whole()

    def _nearest(self) -> SomeRows:
        n, width = self._end - self._start, self._n_neighbors + 1
        lengths, best, values = np.empty(n, np.int64), np.empty((n, width), np.int32), np.empty((n, width), np.float32)
        numbering, (popular, first) = by_popularity(self._how[0]), self._popular()
        events, work = popular.counted(self._events, numbering[1], 1, first), popular.increments(self._events)
        how = (events, work, numbering, *self._how, self._n_neighbors)
        rows_of_neighbors(self._start, self._end, *how, lengths, best, values)
        kept = np.arange(width) < lengths[:, None]
        return SomeRows(lengths, best[kept], values[kept])

    def _whole(self) -> SomeRows:
        lengths = np.empty(self._end - self._start, np.int64)
        n = kernels.rows_sparse(self._start, self._end, self._events, *self._how, lengths, *NOTHING)
        item_idx, values = np.empty(n, np.int32), np.empty(n, np.float32)
        if n:
            kernels.rows_sparse(self._start, self._end, self._events, *self._how, lengths, item_idx, values)
        return SomeRows(lengths, item_idx, values)

    def _tiles(self) -> SomeRows:
        tiles = np.zeros((self._n_tiles, self._end - self._start, TILE), np.float32)
        popular, first = self._popular()
        events = popular.counted(self._events, np.arange(self._n_items, dtype=np.int32), 1, first)
        kernels.fill_dense(tiles, self._start, self._start, self._end, events, *self._how)
        return SomeRows(np.empty(0, np.int64), NOTHING[0], tiles)

    def _popular(self) -> tuple[Popular, int]:
        """Those of this part come last, from the second number on: a count of an item is with all before it."""
        popular = Popular.among(self._events, self._f)
        ours = (popular.items >= self._start) & (popular.items < self._end)
        items = np.concatenate((popular.items[~ours], popular.items[ours]))
        return Popular.of(items, self._n_items, popular.tails), int(np.sum(~ours))
