"""What the kernels of scoring take and fill, as tuples with names: Numba reads their fields as Python does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import Array
from engine.similarity_matrix import as_plain_array


class AffinityRows(NamedTuple):
    """CSR rows of users: indptr int64, indices int32, rising within a row, affinity float32; unity float32, the same of unit weights,
    or empty where scores are not normalised."""

    indptr: Array
    indices: Array
    affinity: Array
    unity: Array

    @classmethod
    def of(cls, arrays: Mapping[str, Array], normalize: bool) -> AffinityRows:
        unity = arrays["unity"] if normalize else np.empty(0, np.float32)
        return cls(*(as_plain_array(array) for array in (arrays["indptr"], arrays["indices"], arrays["affinity"], unity)))


class LeftOut(NamedTuple):
    """What is not in a list: items that the user has seen, where `seen` says so; those of the mask `excluded`, bool (n_items); and what the
    user disliked, CSR rows of users: disliked_indptr int64, disliked_indices int32, both empty where nobody did. Where seen is not all that
    a user's row holds, those rows have what the user took as well, and `seen` is off."""

    seen: bool
    excluded: Array
    disliked_indptr: Array
    disliked_indices: Array

    @classmethod
    def of(cls, arrays: Mapping[str, Array], n_items: int, seen: bool) -> LeftOut:
        mask = np.zeros(n_items, np.bool_)
        if "excluded" in arrays:
            mask[arrays["excluded"]] = True
        if seen and "seen_indptr" in arrays:
            return cls(False, mask, as_plain_array(arrays["seen_indptr"]), as_plain_array(arrays["seen_indices"]))
        disliked = (arrays.get("disliked_indptr", np.empty(0, np.int64)), arrays.get("disliked_indices", np.empty(0, np.int32)))
        return cls(seen, mask, *map(as_plain_array, disliked))


class Scale(NamedTuple):
    """Whether scores are mapped to the scale of the weights, and from where to where that goes."""

    normalize: bool
    weight_min: float
    weight_max: float


class Spread(NamedTuple):
    """Least and greatest score of unit weights over all items: low, high float32 (n users)."""

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, n_users: int) -> Spread:
        return cls(np.zeros(n_users, np.float32), np.zeros(n_users, np.float32))


class TopK(NamedTuple):
    """Lists of n users, best first. `items` int32 (n, depth) item_idx, `scores` float32 (n, depth), `lengths` int32 (n)."""

    items: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]

    @classmethod
    def empty(cls, n: int, depth: int) -> TopK:
        return cls(np.zeros((n, depth), np.int32), np.zeros((n, depth), np.float32), np.zeros(n, np.int32))

    def part(self, start: int, end: int) -> TopK:
        """The lists of users `start` to `end`, in the same memory."""
        return TopK(self.items[start:end], self.scores[start:end], self.lengths[start:end])


class Rules(NamedTuple):
    """boost float32 (n_items): factors of scores; categories of items in CSR: category_indptr int64 (n_items + 1), category_indices int32,
    of which there are n_categories; most: items of one category in a list, 0 for any number."""

    boost: Array
    category_indptr: Array
    category_indices: Array
    n_categories: int
    most: int


class Contributors(NamedTuple):
    """What made the lists of n users. Of listed item r of user u, `counts[u, r]` contributors lie at `first[u] + r · width[u]` of
    `items` and `shares`, strongest first.

    `lengths` int32 (n): of the lists; `first` int64 (n), `width` int32 (n): slots of one listed item; `counts` int32 (n, depth);
    `items` int32 (slots): item_idx; `shares` float32 (slots): of the score before normalisation; `priors` float32 (n, depth): the prior's
    share of each listed item, or (0, 0) without one.
    """

    lengths: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    width: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float32]
    priors: npt.NDArray[np.float32]
