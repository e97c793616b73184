"""Limits per category, checked against a published list: what stands there too often, and what they keep out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Self

import numpy as np

from contract.artifacts.artifact import Array, Artifact


@dataclass(frozen=True, slots=True)
class Categories:
    """CSR rows of items: `indptr` int64 (n_items + 1), `numbers` int32; at most `most` items of one category in a list."""

    indptr: Array
    numbers: Array
    most: int

    @classmethod
    def of(cls, artifact: Artifact) -> Self | None:
        """None where the run had no limit."""
        if "category_indptr" not in artifact.arrays:
            return None
        return cls(artifact["category_indptr"], artifact["category_indices"], artifact.manifest.settings.max_per_category)

    def too_many(self, listed: Array) -> str:
        """What is wrong with a list of item_idx that has more items of a category than it may; "" if nothing is."""
        counts = np.bincount(np.concatenate([self._of(item) for item in listed] or [np.empty(0, np.int32)]), minlength=1)
        if counts.max() <= self.most:
            return ""
        return f"{int(counts.max())} items of one category are listed; the limit is {self.most}"

    def within(self, items: Array, times: int) -> Array:
        """Those of `items`, best first, that come before their categories have `times` the limit."""
        taken: Counter[int] = Counter()
        kept = []
        for item in items.tolist():
            own = self._of(item).tolist()
            if all(taken[category] < times * self.most for category in own):
                taken.update(own)
                kept.append(item)
        return np.array(kept, items.dtype)

    def full(self, items: Array, listed: Array, better: Array) -> Array:
        """Of each of `items`, whether a category of it has its number among those of `listed` that are `better`, bool (items, listed)."""
        return np.array([self._is_full(item, listed[better[at]]) for at, item in enumerate(items)], dtype=bool)

    def _is_full(self, item: int, above: Array) -> bool:
        own = self._of(item)
        return any(sum(category in self._of(other) for other in above) >= self.most for category in own)

    def _of(self, item: int) -> Array:
        found: Array = self.numbers[self.indptr[item] : self.indptr[item + 1]]
        return found
