"""Diverse lists, checked place by place: that nothing which was left out, or stands further down, belonged there.

Maximal marginal relevance of the items above is computed in float64, with weights and their maxima that are read from the similarity here.
A published list is followed as it is, so that two items which float32 can't tell apart may stand either way:
of place p, no item that is surely in the pool, and has room in its categories, may be worth more than the one that stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from contract.artifacts.artifact import TILE, Array, Artifact
from contract.formats.keys import Id
from trainer.verify.rescore import Rescored

RATIO, LEAST = 4, 50  # of a pool: times the depth of a list, and items at the least
ROUNDING = 1e-9
NOTHING: Array = np.empty(0, np.int64)


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

    def among(self, items: Array) -> Callable[[int], Array]:
        """Called with a place in `items`, which rise: how like its item is to each of them, float64."""
        weights = self._of_tiles(items) if "similarity" in self.artifact.arrays else self._of_rows(items)
        own = self.strongest[items]

        def likeness(at: int) -> Array:
            found = np.maximum(0.0, weights(at))
            scaled: Array = np.divide(found, np.sqrt(own[at] * own), out=np.zeros_like(own), where=found > 0)
            return scaled

        return likeness

    def _of_tiles(self, items: Array) -> Callable[[int], Array]:
        tiles = self.artifact["similarity"]

        def weights(at: int) -> Array:
            item = items[at]
            there, back = tiles[items // TILE, item, items % TILE], tiles[item // TILE, items, item % TILE]
            found: Array = np.maximum(there, back).astype(np.float64)
            return found

        return weights

    def _of_rows(self, items: Array) -> Callable[[int], Array]:
        """Of all that the rows of `items` hold, what lies between two of them is kept, by either of the two."""
        indptr, n = self.artifact["similarity_indptr"], items.size
        parts = [slice(*indptr[item : item + 2].tolist()) for item in items.tolist()]
        columns, values = (np.concatenate([self.artifact[f"similarity_{name}"][part] for part in parts]) for name in ("indices", "data"))
        place = np.full(self.artifact.manifest.n_items, -1)
        place[items] = np.arange(n)
        row, column = np.repeat(np.arange(n), [part.stop - part.start for part in parts]), place[columns]
        kept = (column >= 0) & (values > 0)
        row, column, values = row[kept], column[kept], values[kept].astype(np.float64)
        one, other, weight = np.concatenate((row, column)), np.concatenate((column, row)), np.concatenate((values, values))
        order = np.argsort(one, kind="stable")
        ends = np.searchsorted(one[order], np.arange(n + 1))

        def weights(at: int) -> Array:
            found, own = np.zeros(n), order[ends[at] : ends[at + 1]]
            np.maximum.at(found, other[own], weight[own])
            return found

        return weights


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

    def wrong(self, rescored: Rescored, listed: Array, depth: int, names: Sequence[Id], moved: Array = NOTHING) -> str:
        """What is wrong with the choice or the order of `listed` item_idx; "" if nothing is.

        `moved`: items of the list that stand elsewhere in it, for exploration's sake: the others go as if each stood where it belongs.
        """
        categories = rescored.categories
        if listed.size + moved.size > depth:
            return f"the list has {listed.size + moved.size} items; it may have {depth}"
        if categories is not None and (too_many := categories.too_many(np.concatenate((listed, moved)))):
            return too_many
        pool, depth = Pool.of(rescored, depth), depth - moved.size
        everything = np.union1d(pool.sure, listed).astype(np.int64)
        if not everything.size:
            return ""
        order = np.lexsort((everything, -rescored.scores[everything]))
        relevance, slack = pool.relevance(rescored, everything)
        likeness = self.likeness.among(everything)
        nearest, left, competes = np.zeros(everything.size), np.ones(everything.size, bool), np.isin(everything, pool.sure)
        places = np.searchsorted(everything, listed)
        for place in np.flatnonzero(relevance[places] < -2 * slack[places])[:1].tolist():
            return f"item {names[listed[place]]} is listed, which is not among the best that a list is made of"
        above: list[int] = []
        place = 0
        while place < min(depth, listed.size + 1):
            rivals = order[(left & competes)[order]]
            if categories is not None and rivals.size:
                rivals = rivals[~categories.full(everything[rivals], np.array(above, np.int64), np.ones((rivals.size, len(above)), bool))]
            worth = (1 - self.share) * relevance - self.share * nearest
            if rivals.size and moved.size:
                first = rivals[np.argmax(worth[rivals] >= worth[rivals].max() - ROUNDING)]
                if everything[first] in moved:  # where it would stand
                    left[first] = False
                    nearest = np.maximum(nearest, likeness(first))
                    above.append(int(everything[first]))
                    continue
            if place == listed.size:
                return f"the list has {place} items, and item {names[everything[rivals.min()]]} is missing" if rivals.size else ""
            own = places[place]
            better = rivals[worth[rivals] > worth[own] + (1 - self.share) * (slack[rivals] + slack[own]) + ROUNDING]
            better = better[~np.isin(everything[better], moved)]
            if better.size:
                best = everything[better[np.argmax(worth[better])]]
                return f"item {names[listed[place]]} stands at place {place + 1}, where item {names[best]} is worth more"
            left[own] = False
            nearest = np.maximum(nearest, likeness(own))
            above.append(int(listed[place]))
            place += 1
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
