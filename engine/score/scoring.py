"""Exact top-k lists of a range of users, from an artifact's arrays. No Redis here, and no users × items matrix anywhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.arrays import Array
from engine.score import scoring_kernels as kernels
from engine.score import sparse_kernels
from engine.score.structures import AffinityRows, LeftOut, Scale, Spread, TopK
from engine.similarity_matrix import as_plain_array, by_layout, similarity_of

__all__ = ["Scale", "TopK", "score_users"]


def score_users(arrays: Mapping[str, Array], start: int, end: int, scale: Scale, *, depth: int, exclude_seen: bool) -> TopK:
    """Lists of user_idx `start` to `end`, at most `depth` items with a positive score each.

    `arrays` as contract/artifacts/artifact.py names them, in either layout; items of "excluded", if that is there, are in no list, those
    of "disliked_indices" not in their user's; "prior", if that is there, is added to everybody's sums, which then have no exponent.
    Memory: (depth · 8 + 24) bytes a user beyond the mapped arrays.
    """
    similarity = similarity_of(arrays)
    top, spread = TopK.empty(end - start, min(depth, similarity.n_items)), Spread.empty(end - start)
    left_out = LeftOut.of(arrays, similarity.n_items, exclude_seen)
    prior = as_plain_array(arrays.get("prior", np.empty(0, np.float32)))
    score = by_layout(similarity, kernels.score_dense, sparse_kernels.score_sparse)
    score(AffinityRows.of(arrays, scale.normalize), start, end, prior, left_out, top, spread)
    kernels.finish(top, spread, as_plain_array(arrays["exponent"][start:end]), scale)
    return top
