"""New items in lists, checked place by place: that each is new, suits the user, and was drawn.

Which items are new is counted again from the rows of users, and the draw is made again, with whole numbers of Python. Whatever float32 may
have rounded across the edge of the window is let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

import numpy as np

from contract.artifacts.artifact import Array, Artifact
from contract.formats.keys import Id
from trainer.verify.rescore import Rescored

WINDOW = 10  # items for each place that explores
_64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Exploring:
    """Which places of an artifact's lists explore, and what: `new` bool (n_items)."""

    new: Array
    every: int
    window: int
    digest: str

    @classmethod
    def of(cls, artifact: Artifact) -> Self | None:
        """None where none does."""
        manifest, settings = artifact.manifest, artifact.manifest.settings
        if not settings.explore:
            return None
        every = int(-(-(1 - 1e-9) // settings.explore))
        new = np.zeros(manifest.n_items, bool)
        new[artifact["explored"]] = True
        return cls(new, every, WINDOW * (settings.stored_depth // every), manifest.digest)

    def wrong(
        self, rescored: Rescored, seen: Array, listed: Array, marked: Sequence[int], user: Id, names: Sequence[Id], *, limited: bool
    ) -> str:
        """What is wrong with the places `marked`, from 0, of `listed` item_idx; "" if nothing is. `seen`: the user's own items.

        `limited`: categories may have kept out what was drawn.
        """
        unmet = self.new.copy()
        unmet[seen] = False
        maybe, sure = self._window(rescored, unmet)
        seed = int.from_bytes(blake2b(self.digest.encode() + str(user).encode(), digest_size=8).digest(), "little")
        waiting = {item: drawn(seed, item) for item in sure.tolist()}
        for place, item in enumerate(listed.tolist()):
            explores = (place + 1) % self.every == 0
            if place in marked:
                if not explores:
                    return f"item {names[item]} is marked as explored at place {place + 1}; only every {self.every}th place explores"
                if not unmet[item]:
                    return f"item {names[item]} is marked as explored, and is no new item, or the user has met it"
                if not maybe[item]:
                    return f"item {names[item]} is marked as explored, and is not among the {self.window} new items that suit the user best"
            if explores and not limited:
                own = drawn(seed, item) if place in marked else _64 + 1
                if before := [other for other, number in waiting.items() if number < own and other != item]:
                    return f"place {place + 1} has item {names[item]}, where item {names[before[0]]} was drawn"
            waiting.pop(item, None)
        return ""

    def _window(self, rescored: Rescored, unmet: Array) -> tuple[Array, Array]:
        """Which items may be among those that are drawn from, bool (n_items); and item_idx of those that surely are."""
        scores, doubt, maybe = rescored.scores, rescored.doubt, np.zeros(unmet.size, bool)
        possible, certain = np.flatnonzero(rescored.possible & unmet), np.flatnonzero(rescored.sure & unmet)
        lowest, highest = np.sort(scores[certain] - doubt[certain]), np.sort(scores[possible] + doubt[possible])
        n_above = lowest.size - np.searchsorted(lowest, scores[possible] + doubt[possible], side="right")
        maybe[possible[n_above < self.window]] = True
        n_not_below = highest.size - np.searchsorted(highest, scores[certain] - doubt[certain], side="left")
        return maybe, certain[n_not_below <= self.window]


def wrong_new_items(artifact: Artifact) -> list[str]:
    """A sentence where the items that are explored are not those which fewer users have than new_items says.

    Not looked at where rows of erased users, who counted, are gone.
    """
    settings = artifact.manifest.settings
    if not settings.explore or artifact.manifest.erased:
        return []
    new = users_of_items(artifact) < settings.new_items
    if "excluded" in artifact.arrays:
        new[artifact["excluded"]] = False
    new[artifact["explored"]] ^= True
    names = artifact.ids("item_ids") if new.any() else ()
    return [f"item {names[at]} is explored and not new, or new and not explored" for at in np.flatnonzero(new)[:1].tolist()]


def users_of_items(artifact: Artifact) -> Array:
    """How many users have each item, or have taken it where the run has a target."""
    n_items = artifact.manifest.n_items
    counts = np.bincount(artifact["seen_indices" if "seen_indices" in artifact.arrays else "indices"], minlength=n_items)
    if "seen_indices" in artifact.arrays and "disliked_indices" in artifact.arrays:  # which are seen, and not taken
        counts -= np.bincount(artifact["disliked_indices"], minlength=n_items)
    return counts


def drawn(seed: int, item: int) -> int:
    """SplitMix64's finaliser of a seed and an item_idx."""
    z = (seed + (item + 1) * 0x9E3779B97F4A7C15) & _64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = ((z ^ z >> shift) * factor) & _64
    return z ^ z >> 31
