"""Content: the similarity of what is known of two items, whoever has met them.

    S[i, j] = Σ_t f[t, i] f[t, j] / (‖f_i‖ ‖f_j‖), 0 where that is negative or i = j

f: features of items, which `Features.of` weighs. Of words and categories they are TF-IDF, ln((1 + n_items) / (1 + items of the term)),
and those of one column have the length 1; so has a vector. Each column then counts alike, and of an item without a column the others
count more.

Each column of S keeps its `neighbors` greatest entries. Cost: the squares of the terms' numbers of items, added up, and n_items² times the
length of a vector; 20 bytes an entry while it is made. It needs no interactions: newcomers.py makes one model of it and another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from engine.arrays import Array
from engine.linear import gram, gram_kernels
from engine.linear.checks import within
from engine.linear.matrix import Cost, Fitted, Limits, Shape, column_bytes, packed
from engine.weighing.rows import UserRows, rows_of_events


@dataclass(frozen=True, slots=True)
class Parameters:
    """`neighbors`: kept per column, the greatest."""

    neighbors: int = 100

    def __post_init__(self) -> None:
        within("content", "neighbors", self.neighbors, 1)


@dataclass(frozen=True, slots=True)
class Features:
    """`terms`: rows of terms, with the items that have them, each item of length 1 with its vector; `vectors` float32 (n_items, length)."""

    terms: UserRows
    vectors: Array

    @property
    def n_items(self) -> int:
        return self.terms.n_items

    @classmethod
    def of(cls, n_items: int, term_idx: Array, item_idx: Array, column_ends: Array, vectors: Array | None = None) -> Features:
        """Features of pairs of term and item, integers; column c has the terms up to column_ends[c], the first ones the least.

        `vectors` float (n_items, length): a further column, rows of zeros where an item has none.
        """
        n_terms = int(column_ends[-1]) if column_ends.size else 0
        rows = rows_of_events(term_idx, item_idx, np.ones(term_idx.size, np.float32), None, n_terms, n_items)
        widths = rows.widths()
        rarity = np.log((1.0 + n_items) / (1.0 + widths))
        weights = np.repeat(rarity, widths)
        parts = np.zeros(n_items)  # columns that an item has
        for start, end in pairwise([0, *column_ends.tolist()]):
            part = slice(int(rows.indptr[start]), int(rows.indptr[end]))
            items = rows.item_idx[part]
            norms = np.sqrt(np.bincount(items, weights=weights[part] ** 2, minlength=n_items))
            weights[part] = np.divide(weights[part], norms[items], out=np.zeros(items.size), where=norms[items] > 0)
            parts += norms > 0
        vectors = np.zeros((n_items, 0)) if vectors is None else np.asarray(vectors, np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        parts += lengths > 0
        scale = 1.0 / np.sqrt(np.maximum(parts, 1.0))
        with_length = np.divide(scale, lengths, out=np.zeros(n_items), where=lengths > 0)
        return cls(rows.reweighted(weights * scale[rows.item_idx]), (vectors * with_length[:, None]).astype(np.float32))

    def only(self, items: Array) -> Features:
        """Those of `items`, rising, alone; all terms remain."""
        place = np.full(self.n_items, -1, np.int64)
        place[items] = np.arange(items.size)
        kept = place[self.terms.item_idx] >= 0
        ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept)))[self.terms.indptr]
        numbers = place[self.terms.item_idx[kept]].astype(self.terms.item_idx.dtype)
        terms = replace(self.terms, indptr=ends, item_idx=numbers, weights=self.terms.weights[kept], n_items=items.size)
        return Features(terms, self.vectors[items])

    def arrays(self) -> dict[str, Array]:
        """What numbers follow from."""
        return {"content_indptr": self.terms.indptr, "content_items": self.terms.item_idx, "content_vectors": self.vectors}


class _Cosines(gram.Source):
    """Rows of S, with its diagonal."""

    def __init__(self, features: Features) -> None:
        self._gram, self._vectors = gram.Gram(features.terms), features.vectors
        self.load = self._gram.load
        self.diagonal = self._gram.diagonal

    def fill(self, start: int, end: int, upper: bool, out: Array) -> None:
        self._gram.fill(start, end, upper, out)
        if self._vectors.shape[1]:
            out += self._vectors[start:end] @ self._vectors.T


def fit(features: Features, parameters: Parameters, limits: Limits, of_neighbor: Array | None = None) -> Fitted:
    """S. `of_neighbor` float (n_items): S[i, j] is multiplied by that of i before the greatest are kept."""
    limits.refuse_above(cost(Shape.of(features.terms), parameters, limits), "content", "name fewer items")
    n = features.n_items
    most = min(parameters.neighbors, n)
    kept = (np.zeros(n, np.int64), np.zeros((n, most), np.int32), np.zeros((n, most), np.float32))

    def select(start: int, block: Array) -> None:
        np.maximum(block, 0.0, out=block)
        if of_neighbor is not None:
            block *= of_neighbor
        block[np.arange(len(block)), start + np.arange(len(block))] = 0.0
        gram_kernels.keep_greatest(start, block, most, *kept)

    gram.each_block(_Cosines(features), limits.threads, select)
    return Fitted(packed(*kept))


def cost(shape: Shape, parameters: Parameters, limits: Limits) -> Cost:
    kept = column_bytes(shape.n_items, parameters.neighbors)
    work = 12.0 * shape.n_pairs + 8.0 * shape.n_items * (8 + gram.ROWS_OF_A_BLOCK * limits.threads)
    return Cost(work + 2.5 * kept, kept, shape.pair_products, 0.0)
