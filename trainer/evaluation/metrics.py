"""How good lists are: the means over users of what per_user.py says, and the coverage of the catalogue."""

from __future__ import annotations

import numpy as np

from contract.formats.evaluation import Metrics
from engine.arrays import Array
from trainer.evaluation.per_user import PerUser

DECIMALS = 8
_MEANS = ("precision", "recall", "ndcg", "map")


def metrics_of(measured: PerUser, lists: Array, n_items: int) -> Metrics:
    """Of `lists` (users, k; -1: no item), whose places are `measured`. `n_items`: of the training part, the catalogue that coverage is a
    part of."""
    values = {name: float(getattr(measured, name).mean()) for name in _MEANS}
    covered = np.unique(lists[lists >= 0]).size / n_items
    return Metrics(**{name: round(value, DECIMALS) for name, value in (values | {"coverage": covered}).items()})
