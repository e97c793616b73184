"""Lists under rules: scores of some categories raised or lowered, and at most so many items of one. No Redis here.

The boosted score is the stored one times the item's factor (a negative one divided by it, so that a factor above 1 always raises). A list
is filled from the best boosted score downwards, over all items and not some of them: an item is passed over when one of its categories
has its number already. Ties are broken as without rules; so factors of 1 and no limit give the same lists, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.score import rule_kernels as kernels
from engine.score.scoring import TopK, disliked_rows, excluded_mask, plain
from engine.score.vector_code import TILE

Array = npt.NDArray[Any]
BLOCK_BYTES = 1 << 26  # of sums in memory at a time


def has_rules(arrays: Mapping[str, Array]) -> bool:
    return "boost" in arrays or "category_indptr" in arrays


def score_by_rules(
    arrays: Mapping[str, Array],
    start: int,
    end: int,
    *,
    n_items: int,
    depth: int,
    normalize: bool,
    exclude_seen: bool,
    weight_min: float,
    weight_max: float,
    max_per_category: int,
) -> TopK:
    """As score_users, under the rules of `arrays`: "boost", or "category_indptr" and "category_indices" with `max_per_category`.

    Memory: 64 MiB beyond what score_users takes, or the sums of one user where those are more.
    """
    n_users, depth = end - start, min(depth, n_items)
    top = TopK(np.zeros((n_users, depth), np.int32), np.zeros((n_users, depth), np.float32), np.zeros(n_users, np.int32))
    width = -(-n_items // TILE) * TILE
    step = max(1, BLOCK_BYTES // (4 * width))
    unity = arrays["unity"] if normalize else np.empty(0, np.float32)
    indptr, indices, affinity = (plain(arrays[name]) for name in ("indptr", "indices", "affinity"))
    boost = plain(arrays["boost"]) if "boost" in arrays else np.ones(n_items, np.float32)
    categories = _categories(arrays, n_items)
    is_excluded = excluded_mask(arrays, n_items)
    for first in range(start, end, step):
        last = min(end, first + step)
        sums = np.zeros((last - first, width), np.float32)
        low, high = np.zeros(last - first, np.float32), np.zeros(last - first, np.float32)
        rows = (n_items, indptr, indices, affinity, plain(unity), first, last, sums, low, high)
        if "similarity" in arrays:
            kernels.sums_dense(plain(arrays["similarity"]), *rows)
        else:
            kernels.sums_sparse(*(plain(arrays[f"similarity_{part}"]) for part in ("indptr", "indices", "data")), *rows)
        if "prior" in arrays:
            sums[:, :n_items] += arrays["prior"]
        out = [part[first - start : last - start] for part in (top.items, top.scores, top.lengths)]
        scale = (np.ascontiguousarray(arrays["exponent"][first:last]), low, high, weight_min, weight_max, normalize)
        seen = (n_items, indptr, indices, first, exclude_seen, *disliked_rows(arrays))
        kernels.choose(sums, *seen, is_excluded, boost, *categories, max_per_category, *scale, *out)
    return top


def _categories(arrays: Mapping[str, Array], n_items: int) -> tuple[Array, Array, int]:
    """Categories of items in CSR, and how many there are."""
    if "category_indptr" not in arrays:
        return plain(np.zeros(n_items + 1, np.int64)), plain(np.empty(0, np.int32)), 0
    numbers = plain(arrays["category_indices"])
    return plain(arrays["category_indptr"]), numbers, int(numbers.max(initial=-1)) + 1


def warm() -> None:
    """Compile, or load from Numba's cache, all that `score_by_rules` calls."""
    rows: dict[str, Array] = {
        "indptr": np.array([0, 1], np.int64),
        "indices": np.zeros(1, np.int32),
        "affinity": np.ones(1, np.float32),
        "unity": np.ones(1, np.float32),
        "exponent": np.zeros(1, np.int32),
        "boost": np.ones(1, np.float32),
    }
    dense: dict[str, Array] = {"similarity": np.ones((1, 1, TILE), np.float32)}
    sparse: dict[str, Array] = {
        "similarity_indptr": np.array([0, 1], np.int64),
        "similarity_indices": np.zeros(1, np.int32),
        "similarity_data": np.ones(1, np.float32),
    }
    how: dict[str, Any] = {"normalize": True, "exclude_seen": False, "weight_min": 1.0, "weight_max": 1.0, "max_per_category": 0}
    for similarity in (dense, sparse):
        score_by_rules({**rows, **similarity}, 0, 1, n_items=1, depth=1, **how)
