"""The most similar items of an item, from an artifact's similarity. No Redis here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from engine.arrays import Array
from engine.score import similar_kernels
from engine.score.structures import LeftOut, TopK
from engine.similarity_matrix import by_layout, similarity_of


def similar_items(arrays: Mapping[str, Array], chosen: npt.NDArray[np.int32], *, depth: int) -> TopK:
    """For each item_idx of `chosen` the `depth` >= 1 most similar other items with a positive similarity: falling, ties by item_idx.

    Read from the item's row of "similar_indptr" and so on, where the artifact has them, else of the similarity: with `neighbors`, where
    that is not symmetric, these are the neighbors that the row keeps. In dense tiles, a row's 64 values lie side by side, and a column's a
    row apart. `arrays` as contract/artifacts/artifact.py names them, in either layout; items of "excluded" are in no list, and have one.
    Memory: depth · 8 bytes an item beyond them.
    """
    similarity = similarity_of(arrays, "similar" if "similar_indptr" in arrays else "similarity")
    top = TopK.empty(chosen.size, min(depth, similarity.n_items))
    select = by_layout(similarity, similar_kernels.top_dense, similar_kernels.top_sparse)
    select(chosen, LeftOut.of(arrays, similarity.n_items, seen=False).excluded, top)
    return top


def shard_of_items(arrays: Mapping[str, Array], shard: int, n_shards: int) -> tuple[npt.NDArray[np.int32], list[int]]:
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
