"""Lists without more of the same: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) over the model's own weights.

Of each user a pool of the best items is taken, and the list is made of it item by item: next comes the item with the greatest

    (1 - d) · (score - low) / (high - low) - d · max likeness(item, item above it)

d is `diversity`, low and high the least and the greatest score of the pool; where they are alike, relevance is 1. Equal values go by the
order of the pool: by score, then by item. The score of a listed item stays what the model says.

    likeness(i, j) = max(0, S[i, j], S[j, i]) / √(strongest[i] · strongest[j])

strongest[i] is the greatest weight in the row and the column of i, itself with itself among them. So likeness lies between 0 and 1 and is
symmetric. Of SAR's similarities whose diagonal is the greatest of a row it is S[i, j] / √(S[i, i] · S[j, j]): Jaccard as it is, and the
cosine of users for co-occurrence and lift. Models that are a prior alone have no weights, and their lists stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.arrays import Array
from engine.ranking import mmr_kernels as kernels
from engine.score.rules import rules_of
from engine.score.structures import TopK
from engine.similarity_matrix import SimilarityMatrix, as_plain_array, by_layout, similarity_of

RATIO = 4  # items of a pool for each item of a list
LEAST = 50  # items of a pool


def ratio_of(depth: int) -> int:
    """How many times as long as lists of `depth` items pools are."""
    return max(RATIO, -(-LEAST // depth))


def strongest_of(similarity: SimilarityMatrix) -> Array:
    """The greatest weight in each item's row and column, float32 (n_items); 0 where none is positive."""
    found = np.zeros(similarity.n_items, np.float32)
    by_layout(similarity, kernels.strongest_dense, kernels.strongest_sparse)(found)
    return found


def rerank(arrays: Mapping[str, Array], pool: TopK, *, depth: int, diversity: float, max_per_category: int) -> TopK:
    """Lists of at most `depth` items from the pools, with at most so many items of a category: as long as the pool has more.

    `arrays` as contract/artifacts/artifact.py names them, in either layout, with "strongest". Memory: 8 bytes for each place of a list.
    """
    similarity = similarity_of(arrays)
    top = TopK.empty(pool.lengths.size, min(depth, pool.items.shape[1]))
    kernels.rerank(
        similarity, pool, as_plain_array(arrays["strongest"]), diversity, rules_of(arrays, similarity.n_items, max_per_category), top
    )
    return top
