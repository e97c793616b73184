"""As engine/score/warm.py, for all that a list is made with."""

from __future__ import annotations

import numpy as np

from contract.artifacts.artifact import TILE
from engine.arrays import Array
from engine.ranking import explore_kernels
from engine.ranking.mmr import rerank, strongest_of
from engine.score import warm as score
from engine.score.rules import rules_of
from engine.score.structures import TopK
from engine.similarity_matrix import similarity_of

_LAYOUTS: tuple[dict[str, Array], ...] = (
    {"similarity": np.ones((1, 1, TILE), np.float32)},
    {
        "similarity_indptr": np.array([0, 1], np.int64),
        "similarity_indices": np.zeros(1, np.int32),
        "similarity_data": np.ones(1, np.float32),
    },
)


def warm() -> None:
    """A list of one item, by each way in each layout. Starts no thread."""
    score.warm()
    for arrays in _LAYOUTS:
        strongest = strongest_of(similarity_of(arrays))
        rerank({**arrays, "strongest": strongest}, TopK.empty(1, 1), depth=1, diversity=0.5, max_per_category=0)
    none, seeds = TopK.empty(1, 1), np.zeros(1, np.uint64)
    explore_kernels.explore(none, none, seeds, 1, rules_of({}, 1, 0), 1, TopK.empty(1, 1), np.zeros((1, 1), np.bool_))
