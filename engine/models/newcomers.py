"""Items that few people have met: each column of S is mixed with those of the items that are like it, by how much is known of it.

    S'[:, j] = k_j S[:, j] + gain (1 − k_j) Σ_i w_ij S°[:, i],   k_j = n_j / (n_j + n0),   w_ij = C[i, j] k_i / Σ_i C[i, j] k_i

C: content.py, over the `neighbors` items of greatest C[i, j] k_i; n_j: users of j. S° is S whose diagonal, what an item says for one that
is just like it, is the greatest of its column where S has none. What speaks for a new item is what speaks for the known items that are
like it, and these themselves, on the scale of the model. An item that nothing is like is as it was, and so is the diagonal.

Source: the map from attributes to what a model has learnt, with the nearest items as in Gantner et al., "Learning attribute-to-feature
mappings for cold-start recommendations", ICDM 2010. Cost: beside content.py n_items² · `neighbors` multiply-adds of a dense matrix,
in place; of columns their entries times `neighbors`, twice, and each is cut to LEAST or its own length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Array
from engine.blocks import in_blocks
from engine.linear import mix_kernels
from engine.linear.checks import within
from engine.linear.matrix import Columns, Limits
from engine.models import content

LEAST = 200  # entries that a mixed column may have, be its own fewer
_ROWS = 16


@dataclass(frozen=True, slots=True)
class Parameters:
    """`users`: n0. `gain`: above 1 new items are listed more often, below 1 less. `neighbors`: items that a column is mixed with."""

    users: float = 1.0
    gain: float = 1.0
    neighbors: int = 20

    def __post_init__(self) -> None:
        within("new items", "users", self.users, 0, open_below=True)
        within("new items", "gain", self.gain, 0, open_below=True)
        within("new items", "neighbors", self.neighbors, 1)


@dataclass(frozen=True, slots=True)
class Mix:
    """`share` float32 (n_items): what a column keeps of itself; `columns`: gain (1 − k_j) w_ij."""

    share: Array
    columns: Columns
    limits: Limits

    @classmethod
    def of(cls, features: content.Features, n_users: Array, parameters: Parameters, limits: Limits) -> Mix:
        """`n_users` (n_items): of each item."""
        known = n_users / (n_users + parameters.users)
        nearest = content.fit(features, content.Parameters(parameters.neighbors), limits, known)
        matrix = nearest.matrix
        assert isinstance(matrix, Columns)  # noqa: S101 - what content makes
        widths = np.diff(matrix.indptr)
        column = np.repeat(np.arange(known.size), widths)
        sums = np.bincount(column, weights=matrix.values, minlength=known.size)
        values = parameters.gain * matrix.values / sums[column] * (1.0 - known)[column]
        share = np.where(sums > 0, known, 1.0)
        return cls(share.astype(np.float32), Columns(matrix.indptr, matrix.item_idx, values.astype(np.float32)), limits)

    def dense(self, values: Array) -> None:
        """Mix float32 (n_items, n_items), whose diagonal is not used, in place."""
        own = np.maximum(values.max(axis=0), 0.0)

        def work(start: int, end: int) -> None:
            mix_kernels.mix_rows(start, values[start:end], own, self.share, *self._parts)

        in_blocks(work, np.ones(own.size), self.limits.threads)

    def tiles(self, tiles: Array) -> None:
        """Mix the tiles of an artifact, float32 (n_tiles, n_items, TILE), whose diagonal says what an item says for itself, in place."""
        n_items, width = tiles.shape[1:]
        items = np.arange(n_items)
        own = np.array(tiles[items // width, items, items % width])

        def work(start: int, end: int) -> None:
            for first in range(start, end, _ROWS):
                last = min(first + _ROWS, end)
                block = np.ascontiguousarray(tiles[:, first:last].transpose(1, 0, 2)).reshape(last - first, -1)
                mix_kernels.mix_rows(first, block, own, self.share, *self._parts)
                tiles[:, first:last] = block.reshape(last - first, -1, width).transpose(1, 0, 2)

        in_blocks(work, np.ones(n_items), self.limits.threads)

    def sparse(self, matrix: Columns, own: Array | None = None) -> Columns:
        """The same of columns. `own`: their diagonal, if it says what an item says for itself."""
        n = self.share.size
        widths = np.diff(matrix.indptr)
        if own is None:
            own = np.zeros(n, np.float32)
            np.maximum.at(own, np.repeat(np.arange(n), widths), matrix.values)
        parts, most = (matrix.indptr, matrix.item_idx, matrix.values), np.minimum(np.maximum(widths, LEAST), n)
        lengths, none = np.zeros(n, np.int64), (np.empty(0, np.int32), np.empty(0, np.float32))
        how = (parts, own, self.share, self._parts, most)

        def count(start: int, end: int) -> None:
            mix_kernels.mix_columns(start, end, *how, lengths, lengths, *none)

        in_blocks(count, widths + 1.0, self.limits.threads)
        indptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        out = (np.empty(int(indptr[-1]), np.int32), np.empty(int(indptr[-1]), np.float32))
        if out[0].size:
            in_blocks(
                lambda start, end: mix_kernels.mix_columns(start, end, *how, lengths, indptr, *out), widths + 1.0, self.limits.threads
            )
        return Columns(indptr, *out)

    @property
    def _parts(self) -> tuple[Array, Array, Array]:
        return self.columns.indptr, self.columns.item_idx, self.columns.values
