"""Lists under rules: scores of some categories raised or lowered, and at most so many items of one. No Redis here.

The boosted score is the stored one times the item's factor (a negative one divided by it, so that a factor above 1 always raises). A list
is filled from the best boosted score downwards, over all items and not some of them: an item is passed over when one of its categories
has its number already. Ties are broken as without rules; so factors of 1 and no limit give the same lists, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from contract.artifacts.artifact import TILE
from engine.arrays import Array
from engine.score import rule_kernels as kernels
from engine.score.structures import AffinityRows, LeftOut, Rules, Scale, Spread, TopK
from engine.similarity_matrix import as_plain_array, by_layout, similarity_of

BLOCK_BYTES = 1 << 26  # of sums in memory at a time


def has_rules(arrays: Mapping[str, Array]) -> bool:
    return "boost" in arrays or "category_indptr" in arrays


def score_by_rules(
    arrays: Mapping[str, Array], start: int, end: int, scale: Scale, *, depth: int, exclude_seen: bool, max_per_category: int
) -> TopK:
    """As score_users, under the rules of `arrays`: "boost", or "category_indptr" and "category_indices" with `max_per_category`.

    Memory: 64 MiB beyond what score_users takes, or the sums of one user where those are more.
    """
    similarity = similarity_of(arrays)
    n_items = similarity.n_items
    top, rows = TopK.empty(end - start, min(depth, n_items)), AffinityRows.of(arrays, scale.normalize)
    left_out, rules = LeftOut.of(arrays, n_items, exclude_seen), rules_of(arrays, n_items, max_per_category)
    add_up = by_layout(similarity, kernels.sums_dense, kernels.sums_sparse)
    width = -(-n_items // TILE) * TILE
    step = max(1, BLOCK_BYTES // (4 * width))
    for first in range(start, end, step):
        last = min(end, first + step)
        sums, spread = np.zeros((last - first, width), np.float32), Spread.empty(last - first)
        add_up(rows, first, last, sums, spread)
        if "prior" in arrays:
            sums[:, :n_items] += arrays["prior"]
        exponent = as_plain_array(arrays["exponent"][first:last])
        kernels.take_under_rules(sums, rows, first, left_out, rules, exponent, spread, scale, top.part(first - start, last - start))
    return top


def rules_of(arrays: Mapping[str, Array], n_items: int, most: int) -> Rules:
    boost = as_plain_array(arrays["boost"]) if "boost" in arrays else as_plain_array(np.ones(n_items, np.float32))
    if "category_indptr" not in arrays:
        return Rules(boost, as_plain_array(np.zeros(n_items + 1, np.int64)), as_plain_array(np.empty(0, np.int32)), 0, most)
    numbers = as_plain_array(arrays["category_indices"])
    return Rules(boost, as_plain_array(arrays["category_indptr"]), numbers, int(numbers.max(initial=-1)) + 1, most)
