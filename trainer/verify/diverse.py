"""Diverse lists, checked place by place: that nothing which was left out, or stands further down, belonged there.

Maximal marginal relevance of the items above is computed in float64, with weights and their maxima that are read from the similarity here.
A published list is followed as it is, so that two items which float32 can't tell apart may stand either way:
of place p, no item that is surely in the pool, and has room in its categories, may be worth more than the one that stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from contract.artifacts.artifact import TILE, Array, Artifact
from contract.formats.keys import Id
from trainer.verify.rescore import Rescored

RATIO, LEAST = 4, 50  # of a pool: times the depth of a list, and items at the least
ROUNDING = 1e-9


@dataclass(frozen=True)
class Likeness:
    """max(0, S[i, j], S[j, i]) / √(strongest[i] · strongest[j]) of one artifact's similarity."""

    artifact: Artifact

    @cached_property
    def strongest(self) -> Array:
        """The greatest weight in each item's row and column, float64; 0 where none is positive."""
        n_items, arrays = self.artifact.manifest.n_items, self.artifact.arrays
        found = np.zeros(n_items)
        if "similarity" in arrays:
            for number, tile in enumerate(arrays["similarity"]):
                own = found[number * TILE : (number + 1) * TILE]
                found[:] = np.maximum(found, tile.max(axis=1))
                own[:] = np.maximum(own, tile.max(axis=0)[: own.size])
            return found
        row = np.repeat(np.arange(n_items), np.diff(arrays["similarity_indptr"]))
        for ends in (row, arrays["similarity_indices"]):
            np.maximum.at(found, ends, arrays["similarity_data"].astype(np.float64))
        return found

    def of(self, item: int, others: Array) -> Array:
        """Between an item and some others, which rise."""
        weights = np.maximum(0.0, np.maximum(*self._weights(item, others)))
        scale = np.sqrt(self.strongest[item] * self.strongest[others])
        found: Array = np.divide(weights, scale, out=np.zeros_like(scale), where=weights > 0)
        return found

    def _weights(self, item: int, others: Array) -> tuple[Array, Array]:
        """S[item, others] and S[others, item], float64."""
        arrays = self.artifact.arrays
        if "similarity" in arrays:
            tiles = arrays["similarity"]
            there = tiles[others // TILE, item, others % TILE]
            return there.astype(np.float64), tiles[item // TILE, others, item % TILE].astype(np.float64)
        back = np.concatenate([self._of_row(other, np.array([item])) for other in others.tolist()] or [np.empty(0)])
        return self._of_row(item, others), back

    def _of_row(self, item: int, columns: Array) -> Array:
        first, last = self.artifact["similarity_indptr"][item : item + 2].tolist()
        row, found = self.artifact["similarity_indices"][first:last], np.zeros(columns.size)
        at = np.searchsorted(row, columns)
        known = at < row.size
        known[known] = row[at[known]] == columns[known]
        found[known] = self.artifact["similarity_data"][first + at[known]]
        return found


@dataclass(frozen=True)
class Diverse:
    """How an artifact's lists are made diverse."""

    likeness: Likeness
    share: float

    @classmethod
    def of(cls, artifact: Artifact) -> Self | None:
        """None where they are not."""
        share = artifact.manifest.settings.diversity
        return cls(Likeness(artifact), share) if share else None

    def wrong(self, rescored: Rescored, listed: Array, depth: int, names: Sequence[Id]) -> str:
        """What is wrong with the choice or the order of `listed` item_idx; "" if nothing is."""
        categories = rescored.categories
        if listed.size > depth:
            return f"the list has {listed.size} items; it may have {depth}"
        if categories is not None and (too_many := categories.too_many(listed)):
            return too_many
        pool = Pool.of(rescored, depth)
        everything = np.union1d(pool.sure, listed).astype(np.int64)
        relevance, slack = pool.relevance(rescored, everything)
        nearest, left, competes = np.zeros(everything.size), np.ones(everything.size, bool), np.isin(everything, pool.sure)
        places = np.searchsorted(everything, listed)
        for place in np.flatnonzero(relevance[places] < -2 * slack[places])[:1].tolist():
            return f"item {names[listed[place]]} is listed, which is not among the best that a list is made of"
        for place in range(min(depth, listed.size + 1)):
            rivals = np.flatnonzero(left & competes)
            if categories is not None and rivals.size:
                rivals = rivals[~categories.full(everything[rivals], listed[:place], np.ones((rivals.size, place), bool))]
            if place == listed.size:
                return f"the list has {place} items, and item {names[everything[rivals[0]]]} is missing" if rivals.size else ""
            own, worth = places[place], (1 - self.share) * relevance - self.share * nearest
            better = rivals[worth[rivals] > worth[own] + (1 - self.share) * (slack[rivals] + slack[own]) + ROUNDING]
            if better.size:
                best = everything[better[np.argmax(worth[better])]]
                return f"item {names[listed[place]]} stands at place {place + 1}, where item {names[best]} is worth more"
            left[own] = False
            nearest[left] = np.maximum(nearest[left], self.likeness.of(int(listed[place]), everything[left]))
        return ""


@dataclass(frozen=True, slots=True)
class Pool:
    """`sure`: item_idx of those that are in it whichever way float32 has rounded: so few others may stand before them, of each of their
    categories too. `low`, `high`: its least and greatest score."""

    sure: Array
    low: float
    high: float

    @classmethod
    def of(cls, rescored: Rescored, depth: int) -> Self:
        ratio = max(RATIO, -(-LEAST // depth))
        scores, doubt, categories = rescored.scores, rescored.doubt, rescored.categories
        possible = np.flatnonzero(rescored.possible)
        possible = possible[np.lexsort((possible, -scores[possible]))]
        inside = possible if categories is None else categories.within(possible, ratio)
        inside = inside[: depth * ratio]
        sure = []
        for item in inside[rescored.sure[inside]].tolist():
            before = possible[scores[possible] + doubt[possible] >= scores[item] - doubt[item]]
            if before.size <= depth * ratio and (categories is None or categories.within(before, ratio).size == before.size):
                sure.append(item)
        low, high = (float(scores[inside[at]]) for at in (-1, 0)) if inside.size else (0.0, 0.0)
        return cls(np.array(sure, np.int64), low, high)

    def relevance(self, rescored: Rescored, items: Array) -> tuple[Array, Array]:
        """Of some items; and how far it may be off for the rounding of scores and of both ends."""
        span = self.high - self.low
        if span <= 0:
            return np.ones(items.size), np.ones(items.size)
        off = rescored.doubt[items] + np.finfo(np.float32).eps * np.abs(rescored.scores[items])
        slack = (off + 2 * off.max(initial=0.0)) / span
        return (rescored.scores[items] - self.low) / span, np.minimum(1.0, slack)
