"""The similarity of items in the two layouts that an artifact may hold, and the one place that tells them apart.

S[i, j] is what the seen item i says for item j: a score is a sum over rows of S. What reads it does not take it to be symmetric, nor its
values or the affinities to be positive; but only items with a positive sum are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from contract.artifacts.artifact import Array

R = TypeVar("R")


class DenseTiles(NamedTuple):
    """tiles float32 (n_tiles, n_items, TILE): tile t holds columns TILE · t and following of all rows, the last one padded with zeros."""

    tiles: Array

    @property
    def n_items(self) -> int:
        return int(self.tiles.shape[1])


class CsrSimilarity(NamedTuple):
    """CSR: indptr int64 (n_items + 1), indices int32, rising within a row, data float32."""

    indptr: Array
    indices: Array
    data: Array

    @property
    def n_items(self) -> int:
        return self.indptr.size - 1


SimilarityMatrix = DenseTiles | CsrSimilarity


def similarity_of(arrays: Mapping[str, Array], name: str = "similarity") -> SimilarityMatrix:
    """The similarity of this name among `arrays`, as contract/artifacts/artifact.py names them."""
    if name in arrays:
        return DenseTiles(as_plain_array(arrays[name]))
    return CsrSimilarity(*(as_plain_array(arrays[f"{name}_{part}"]) for part in CsrSimilarity._fields))


def by_layout(similarity: SimilarityMatrix, dense: Callable[..., R], sparse: Callable[..., R]) -> Callable[..., R]:
    """The one of the two functions that reads this layout, which is its first argument, waiting for the others."""
    chosen: Any = dense if isinstance(similarity, DenseTiles) else sparse
    return partial(chosen, similarity)


def as_plain_array(array: Array) -> Array:
    """The same memory as a read-only plain array, so that mapped and ordinary arrays share one compiled signature."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
