"""Exploration: a share of each list for new items. Which ones a user meets is drawn among those that suit the user best.

New is an item that fewer users have met than `new_items` says, so that what is like it says more of it than they do
(engine/models/newcomers.py). Of the new items that a user has not met, the `window` with the best scores are put into an order that is
drawn for each user; every `every`-th place of the list goes to the next of them that does not stand above it, and all other places to
the list as it was. So a page of that many items has one at the most, wherever it begins, and users of one taste explore different items.

    drawn(user, item) = mix(seed(user) + (item_idx + 1) · 0x9E3779B97F4A7C15)        the least comes first

mix: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014); the seed: BLAKE2b of the run's digest and the user's id. So the same
data and settings give the same lists, and other data another draw. An item keeps the score that the model gives it.

A list is never shorter for it, nothing stands in it twice, and limits per category hold: a new item takes the place of the last item of
the list, and is passed over where its categories would then have too many. Where nothing is left of the window, a place goes to the list
as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from contract.formats.keys import Id
from engine.arrays import Array
from engine.ranking import explore_kernels as kernels
from engine.ranking.ranked import BLOCK_BYTES, Ranking, best_by_score
from engine.score.rules import rules_of
from engine.score.structures import Scale, TopK
from engine.similarity_matrix import similarity_of


class Explored(NamedTuple):
    """Lists, and which of their places explore: `marks` bool (n, depth)."""

    top: TopK
    marks: Array


def explore(arrays: Mapping[str, Array], start: int, end: int, top: TopK, scale: Scale, how: Ranking, seeds: Array) -> Explored:
    """The lists `top` of user_idx `start` to `end` with new items in them. `seeds` uint64 (end - start).

    `arrays` as contract/artifacts/artifact.py names them, with "explored". Costs what scoring the users costs; memory as rank_users.
    """
    n_items = similarity_of(arrays).n_items
    rules, only_new = rules_of(arrays, n_items, how.max_per_category), {**arrays, "excluded": _others(arrays, n_items)}
    if not arrays["explored"].size:
        return Explored(top, np.zeros(top.items.shape, np.bool_))
    made = TopK.empty(end - start, min(how.depth, n_items))
    marks = np.zeros(made.items.shape, np.bool_)
    step = max(1, BLOCK_BYTES // (8 * how.window))
    unmet = how._replace(exclude_seen=True, max_per_category=0)
    for first in range(start, end, step):
        last = min(end, first + step)
        part = slice(first - start, last - start)
        pool = best_by_score(only_new, first, last, scale, unmet, how.window, 0)
        out = made.part(part.start, part.stop)
        kernels.explore(top.part(part.start, part.stop), pool, seeds[part], how.every, rules, n_items, out, marks[part])
    return Explored(made, marks)


def seeds_of(digest: str, user_ids: Iterable[Id]) -> Array:
    """uint64, for each user, of the run with this digest."""
    begun = blake2b(digest.encode(), digest_size=8)
    parts = []
    for user in user_ids:
        own = begun.copy()
        own.update(str(user).encode())
        parts.append(own.digest())
    return np.frombuffer(b"".join(parts), np.dtype("<u8")).astype(np.uint64)


def _others(arrays: Mapping[str, Array], n_items: int) -> Array:
    """item_idx of what may not be explored."""
    known = np.ones(n_items, np.bool_)
    known[arrays["explored"]] = False
    if "excluded" in arrays:
        known[arrays["excluded"]] = True
    found: Array = np.flatnonzero(known).astype(np.int32)
    return found
