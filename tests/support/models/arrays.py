"""Small artifacts in memory, and scoring written out in NumPy.

Weights are small integers and similarities multiples of 1/8, so that sums in float32 are exact, whatever their order; and ties abound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contract.artifacts.artifact import TILE
from engine.arrays import Array
from engine.score.scoring import Scale, TopK, score_users


@dataclass(frozen=True)
class Case:
    """Users × items of interactions, 0 where there is none, and a similarity; both as plain matrices."""

    affinity: Array
    unity: Array
    similarity: Array
    depth: int = 10
    normalize: bool = True
    exclude_seen: bool = True
    exponent: Array | None = None
    weight_min: float = 1.0
    weight_max: float = 5.0
    prior: Array | None = None
    disliked: Array | None = None
    """bool, users × items: what is never in the user's list."""

    def but(self, **fields: Any) -> Case:
        return replace(self, **fields)

    @property
    def scale(self) -> Scale:
        return Scale(self.normalize, self.weight_min, self.weight_max)

    @property
    def exponents(self) -> Array:
        return np.zeros(len(self.affinity), np.int32) if self.exponent is None else self.exponent

    def arrays(self, layout: str) -> dict[str, Array]:
        user, item = np.nonzero(self.affinity)
        n_users, n_items = self.affinity.shape
        rows: dict[str, Array] = {
            "indptr": np.concatenate(([0], np.cumsum(np.bincount(user, minlength=n_users)))).astype(np.int64),
            "indices": item.astype(np.int32),
            "affinity": self.affinity[user, item].astype(np.float32),
            "unity": self.unity[user, item].astype(np.float32),
            "exponent": self.exponents,
            **({} if self.prior is None else {"prior": self.prior.astype(np.float32)}),
        }
        if self.disliked is not None:
            who, what = np.nonzero(self.disliked)
            rows["disliked_indptr"] = np.concatenate(([0], np.cumsum(np.bincount(who, minlength=n_users)))).astype(np.int64)
            rows["disliked_indices"] = what.astype(np.int32)
        if layout == "dense":
            padded = np.zeros((n_items, -(-n_items // TILE) * TILE), np.float32)
            padded[:, :n_items] = self.similarity
            return {**rows, "similarity": np.ascontiguousarray(padded.reshape(n_items, -1, TILE).transpose(1, 0, 2))}
        row, column = np.nonzero(self.similarity)
        ends = np.cumsum(np.bincount(row, minlength=n_items))
        return {
            **rows,
            "similarity_indptr": np.concatenate(([0], ends)).astype(np.int64),
            "similarity_indices": column.astype(np.int32),
            "similarity_data": self.similarity[row, column].astype(np.float32),
        }

    def scored(self, layout: str, start: int = 0, end: int | None = None) -> TopK:
        return score_users(
            self.arrays(layout),
            start,
            len(self.affinity) if end is None else end,
            self.scale,
            depth=self.depth,
            exclude_seen=self.exclude_seen,
        )

    def expected(self, user: int) -> list[tuple[int, float]]:
        """The list of a user: every sum, the positive ones sorted by falling sum and rising item, then mapped to the scale."""
        sums = self.affinity[user].astype(np.float64) @ self.similarity + (0.0 if self.prior is None else self.prior)
        hidden = np.zeros(sums.size, bool) if self.disliked is None else self.disliked[user]
        listed = [j for j, total in enumerate(sums) if total > 0 and not hidden[j] and not (self.exclude_seen and self.affinity[user, j])]
        best = sorted(listed, key=lambda j: (-sums[j], j))[: self.depth]
        return [(j, float(np.float32(self.score(user, j)))) for j in best]

    def score(self, user: int, item: int) -> float:
        """In float64, mapped to the scale."""
        total = float(self.affinity[user].astype(np.float64) @ self.similarity[:, item])
        if self.prior is not None:
            total += float(self.prior[item])
        if not self.normalize:
            return total * 2.0 ** int(self.exponents[user])
        units = self.unity[user].astype(np.float64) @ self.similarity
        low, high = units.min() * self.weight_min, units.max() * self.weight_max
        scale = self.weight_max - self.weight_min
        return float((total - low) / (high - low) * scale + self.weight_min)


def random_case(n_items: int, n_users: int = 12, seed: int = 0, lowest: int = -2) -> Case:
    """`lowest` / 8 is the least similarity; every user has an interaction."""
    random = np.random.default_rng(seed + n_items)
    affinity = random.integers(1, 6, (n_users, n_items)) * (random.random((n_users, n_items)) < 0.3)
    affinity[np.arange(n_users), random.integers(0, n_items, n_users)] = 3
    similarity = random.integers(lowest, 9, (n_items, n_items)) / 8
    return Case(affinity=affinity, unity=(affinity > 0).astype(np.float64), similarity=similarity)


def lists(top: TopK) -> list[list[tuple[int, float]]]:
    return [
        list(zip(items[:n].tolist(), scores[:n].tolist(), strict=True))
        for items, scores, n in zip(top.items, top.scores, top.lengths.tolist(), strict=True)
    ]
