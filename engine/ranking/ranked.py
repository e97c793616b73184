"""Users' lists as they are served: the best by the model, under rules where a run has some, then diverse where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking.mmr import ratio_of, rerank, strongest_of
from engine.ranking.penalty import factors
from engine.score.rules import has_rules, score_by_rules
from engine.score.scoring import score_users
from engine.score.structures import Scale, TopK
from engine.similarity_matrix import similarity_of

BLOCK_BYTES = 1 << 26  # of pools in memory at a time
WINDOW = 10  # new items of a user among which is drawn, for each place that explores


class Ranking(NamedTuple):
    """How lists come of scores. `ratio`: how many times as long as a served list the pool is; of which `pooled` items are in one.

    `every`: of so many places the last one explores (explore.py), among `window` new items; 0: none does.
    """

    depth: int
    exclude_seen: bool
    max_per_category: int = 0
    diversity: float = 0.0
    pooled: int = 0
    ratio: int = 1
    every: int = 0
    window: int = 0

    @classmethod
    def of(cls, model: ModelSettings) -> Self:
        depth, ratio = model.stored_depth, ratio_of(model.stored_depth) if model.diversity else 1
        every = model.explores_every
        window = WINDOW * (depth // every) if every else 0
        return cls(depth, model.exclude_seen, model.max_per_category, model.diversity, depth * ratio, ratio, every, window)

    def measured(self, depth: int) -> Self:
        """Lists of `depth` items from the same pools, without a limit per category."""
        return self._replace(depth=depth, max_per_category=0)


def rank_users(arrays: Mapping[str, Array], start: int, end: int, scale: Scale, how: Ranking) -> TopK:
    """Lists of user_idx `start` to `end`. `arrays` as contract/artifacts/artifact.py names them, in either layout.

    A list that is not made diverse costs what engine/score says. Else memory is that of the lists, and BLOCK_BYTES for pools, or the
    pool of one user where that is more.
    """
    if not how.diversity:
        return best_by_score(arrays, start, end, scale, how, how.depth, how.max_per_category)
    width = max(how.pooled, how.depth)
    step, blocks = max(1, BLOCK_BYTES // (8 * width)), []
    for first in range(start, max(end, start + 1), step):
        pool = best_by_score(arrays, first, min(end, first + step), scale, how, width, how.max_per_category * how.ratio)
        blocks.append(rerank(arrays, pool, depth=how.depth, diversity=how.diversity, max_per_category=how.max_per_category))
    return blocks[0] if len(blocks) == 1 else TopK(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def ranking_arrays(model: ModelSettings, arrays: Mapping[str, Array], n_users: Array) -> dict[str, Array]:
    """What an artifact holds for the ranking that the settings name: nothing where they name none.

    `arrays`: the similarity, and "boost" where the run has one, which the penalty becomes a part of; `n_users`: of each item.
    """
    made: dict[str, Array] = {}
    if model.diversity:
        made["strongest"] = strongest_of(similarity_of(arrays))
    if model.popularity_penalty:
        made["boost"] = factors(n_users, model.popularity_penalty)
        if "boost" in arrays:
            made["boost"] *= arrays["boost"]
    if model.explore:
        made["explored"] = new_items(n_users, arrays.get("excluded", np.empty(0, np.int32)), model.new_items)
    return made


def new_items(n_users: Array, excluded: Array, known_from: float) -> Array:
    """item_idx int32, rising, of items that fewer users have than `known_from`, and that may be listed."""
    new = n_users < known_from
    new[excluded] = False
    found: Array = np.flatnonzero(new).astype(np.int32)
    return found


def best_by_score(arrays: Mapping[str, Array], start: int, end: int, scale: Scale, how: Ranking, depth: int, most: int) -> TopK:
    if has_rules(arrays):
        return score_by_rules(arrays, start, end, scale, depth=depth, exclude_seen=how.exclude_seen, max_per_category=most)
    return score_users(arrays, start, end, scale, depth=depth, exclude_seen=how.exclude_seen)
