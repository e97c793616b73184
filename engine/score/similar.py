"""The most similar items of an item, from an artifact's similarity. No Redis here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.score import similar_kernels
from engine.score.scoring import TopK, excluded_mask, plain
from engine.score.vector_code import TILE


def similar_items(arrays: Mapping[str, npt.NDArray[Any]], chosen: npt.NDArray[np.int32], *, n_items: int, depth: int) -> TopK:
    """For each item_idx of `chosen` the `depth` >= 1 most similar other items with a positive similarity: falling, ties by item_idx.

    Read from the item's row of "similar_indptr" and so on, where the artifact has them, else of the similarity: with `neighbors`, where
    that is not symmetric, these are the neighbors that the row keeps. In dense tiles, a row's 64 values lie side by side, and a column's a
    row apart. `arrays` as contract/formats/artifact.py names them, in either layout; items of "excluded" are in no list, and have one.
    Memory: depth · 8 bytes an item beyond them.
    """
    arrays, depth = similarity_of_similar(arrays), min(depth, n_items)
    top = TopK(np.zeros((chosen.size, depth), np.int32), np.zeros((chosen.size, depth), np.float32), np.zeros(chosen.size, np.int32))
    out = (excluded_mask(arrays, n_items), top.items, top.scores, top.lengths)
    if "similarity" in arrays:
        similar_kernels.top_dense(plain(arrays["similarity"]), n_items, chosen, *out)
    else:
        similar_kernels.top_sparse(*(plain(arrays[f"similarity_{part}"]) for part in ("indptr", "indices", "data")), chosen, *out)
    return top


def similarity_of_similar(arrays: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]]:
    """The arrays with the rows of similar items in place of the similarity, where they are others."""
    if "similar_indptr" not in arrays:
        return arrays
    rows = {f"similarity_{part}": arrays[f"similar_{part}"] for part in ("indptr", "indices", "data")}
    return {**{name: values for name, values in arrays.items() if name != "similarity"}, **rows}


def shard_of_items(arrays: Mapping[str, npt.NDArray[Any]], shard: int, n_shards: int) -> tuple[npt.NDArray[np.int32], list[int]]:
    """The item_idx whose similar items `shard` writes, ordered by bucket, then item_idx; and their buckets.

    The item buckets are dealt to the shards in ranges: every item is in one shard, and two shards never touch one key.
    """
    ends = arrays["item_bucket_ends"]
    first, last = ends.size * shard // n_shards, ends.size * (shard + 1) // n_shards
    if first == last:  # more shards than buckets
        return np.empty(0, np.int32), []
    edges = np.concatenate((ends[first - 1 : first] if first else [0], ends[first:last]))
    chosen = np.array(arrays["item_order"][edges[0] : edges[-1]])
    return chosen, np.repeat(np.arange(first, last), np.diff(edges)).tolist()


def warm() -> None:
    """Compile, or load from Numba's cache, what `similar_items` calls."""
    dense: dict[str, npt.NDArray[Any]] = {"similarity": np.ones((1, 2, TILE), np.float32)}
    sparse: dict[str, npt.NDArray[Any]] = {
        "similarity_indptr": np.array([0, 1, 2], np.int64),
        "similarity_indices": np.zeros(2, np.int32),
        "similarity_data": np.ones(2, np.float32),
    }
    for arrays in (dense, sparse):
        similar_items(arrays, np.zeros(1, np.int32), n_items=2, depth=1)
