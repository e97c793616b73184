"""Cross-occurrence: SAR's similarities between the users who met one item and those who took another.

    c[i, j] = |A_i ∩ B_j|,   S[i, j] = formula(c[i, j], |A_i|, |B_j|),   0 where c[i, j] < threshold

A_i: users with an event of any type on i; B_j: users with a target event on j; the formulas are those of sar (similarity_kernels.py), as
in jaccard c / (|A_i| + |B_j| − c). Where i is j, A_j are the users with an event of another type alone: what a view of j says for its
purchase, which the purchase itself does not. S is not symmetric. Source: correlated cross-occurrence, Dunning and Friedman, "Practical
Machine Learning: Innovations in Recommendation", O'Reilly 2014; Ferrel, the Universal Recommender. The order of events is not looked at.

Cost: the products of each user's numbers of items in A and in B, added up. 16 bytes an entry while it is made, or 20 n N with `neighbors`
N, which each column keeps of greatest magnitude.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from contract.errors import SettingsError
from contract.settings.settings import Similarity
from engine.arrays import Array
from engine.linear import gram, gram_kernels
from engine.linear.matrix import GIB, Columns, Dense, Limits, dense_bytes, packed
from engine.targets.cross import Cross, diagonal_of
from engine.weighing.rows import UserRows

DENSE_FROM = 1 / 20  # of all entries: where dense tiles are scored faster than sparse rows


def fit(
    inputs: UserRows, targets: UserRows, others: UserRows, kind: Similarity, threshold: int, neighbors: int, limits: Limits
) -> Columns | Dense:
    """S. `inputs`: pairs of any type; `targets`: those of the target; `others`: those of all other types. Weights are not looked at."""
    formula, found = Formula(inputs, targets, others, kind, threshold), _Found(limits)
    source = Cross(_ones(inputs), _ones(targets))
    n = inputs.n_items
    if neighbors:
        most = min(neighbors, n)
        kept = (np.zeros(n, np.int64), np.zeros((n, most), np.int32), np.zeros((n, most), np.float32))

        def select(start: int, block: Array) -> None:
            gram_kernels.keep_greatest(start, formula.of(start, block), most, *kept)

        gram.each_block(source, limits.threads, select)
        return packed(*kept)
    gram.each_block(source, limits.threads, lambda start, block: found.add(start, formula.of(start, block)))
    columns = found.columns(n)
    fits = columns.n_bytes + dense_bytes(n) <= limits.memory_bytes
    return Dense(columns.to_dense()) if fits and columns.values.size > DENSE_FROM * n * n else columns


class Formula:
    """From rows of counts to columns of S."""

    def __init__(self, inputs: UserRows, targets: UserRows, others: UserRows, kind: Similarity, threshold: int) -> None:
        self._kind, self._threshold, self._n_items = kind, threshold, inputs.n_items
        self._met, self._took = (rows.item_counts().astype(np.float64) for rows in (inputs, targets))
        self._met_else = others.item_counts().astype(np.float64)
        self._both = diagonal_of(_ones(others), _ones(targets))

    def of(self, start: int, block: Array) -> Array:
        """Columns of S from item `start` on, float64 (items, n_items), in place of the counts in `block`."""
        own = np.arange(start, start + len(block))
        block[own - start, own] = self._both[own]
        row, met = np.nonzero(block >= max(1, self._threshold))
        target, count = row + start, block[row, met]
        left, right = np.where(met == target, self._met_else[met], self._met[met]), self._took[target]
        block[:] = 0.0
        block[row, met] = self._similarity(count, left, right)
        return block

    def _similarity(self, c: Array, left: Array, right: Array) -> Array:
        """recommenders/utils/python_utils.py has the formulas."""
        formulas: dict[Similarity, Callable[[], Array]] = {
            "cooccurrence": lambda: c,
            "cosine": lambda: c / np.sqrt(left * right),
            "inclusion index": lambda: c / np.minimum(left, right),
            "jaccard": lambda: c / (left + right - c),
            "lift": lambda: c / (left * right),
            "mutual information": lambda: np.log2(self._n_items * (c / (left * right))),
            "lexicographers mutual information": lambda: c * np.log2(self._n_items * (c / (left * right))),
        }
        return formulas[self._kind]()


class _Found:
    """Entries of blocks of columns, in whatever order they come. Raises SettingsError as soon as they are too many."""

    def __init__(self, limits: Limits) -> None:
        self._limit, self._n, self._lock = limits.memory_bytes, 0, threading.Lock()
        self._parts: dict[int, tuple[Array, Array, Array]] = {}

    def add(self, start: int, block: Array) -> None:
        row, item = np.nonzero(block)
        part = np.bincount(row, minlength=len(block)), item.astype(np.int32), block[row, item].astype(np.float32)
        with self._lock:
            self._parts[start] = part
            self._n += item.size
            if 16.0 * self._n > self._limit:
                raise SettingsError(
                    f"the similarity takes more than {self._limit / GIB:.2f} GiB: raise LARDER_MAX_MEMORY_GB, or keep the nearest items "
                    "only, with --neighbors 200"
                )

    def columns(self, n_items: int) -> Columns:
        lengths, items, values = (np.concatenate([self._parts[start][at] for start in sorted(self._parts)]) for at in range(3))
        indptr = np.zeros(n_items + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        return Columns(indptr, items, values)


def _ones(rows: UserRows) -> UserRows:
    return rows.reweighted(np.ones(rows.n_pairs))
