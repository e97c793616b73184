"""Compiling, or loading from Numba's cache, all that workers call: before they fork, so that no job begins with it."""

from __future__ import annotations

import numpy as np

from contract.artifacts.artifact import TILE
from engine.arrays import Array
from engine.score.explain import encode_contributors, explain_users
from engine.score.rules import score_by_rules
from engine.score.scoring import score_users
from engine.score.similar import similar_items
from engine.score.structures import Scale

_ROWS: dict[str, Array] = {
    "indptr": np.array([0, 1], np.int64),
    "indices": np.zeros(1, np.int32),
    "affinity": np.ones(1, np.float32),
    "unity": np.ones(1, np.float32),
    "exponent": np.zeros(1, np.int32),
    "boost": np.ones(1, np.float32),
}
_DENSE: dict[str, Array] = {"similarity": np.ones((1, 1, TILE), np.float32)}
_SPARSE: dict[str, Array] = {
    "similarity_indptr": np.array([0, 1], np.int64),
    "similarity_indices": np.zeros(1, np.int32),
    "similarity_data": np.ones(1, np.float32),
}


def warm() -> None:
    """A list of one item, by each way in each layout. Starts no thread."""
    warm_scoring()
    for similarity in (_DENSE, _SPARSE):
        arrays = {**_ROWS, **similarity}
        top = score_by_rules(arrays, 0, 1, Scale(True, 1.0, 1.0), depth=1, exclude_seen=False, max_per_category=0)
        encode_contributors(explain_users(arrays, 0, 1, top, explain_depth=1), [0])
        similar_items(arrays, np.zeros(1, np.int32), depth=1)


def warm_scoring() -> None:
    """Of all that, what `score_users` calls."""
    for similarity in (_DENSE, _SPARSE):
        score_users({**_ROWS, **similarity}, 0, 1, Scale(True, 1.0, 1.0), depth=1, exclude_seen=False)
