"""How good lists are: recommenders' own ranking metrics (recommenders.evaluation.python_evaluation, 1.2.1)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from recommenders.evaluation import python_evaluation

from contract.formats.evaluation import Metrics
from engine.arrays import Array

DECIMALS = 8
_METRICS = {"precision": "precision_at_k", "recall": "recall_at_k", "ndcg": "ndcg_at_k", "map": "map"}


def measure(user_idx: Array, item_idx: Array, users: Array, lists: Array, n_items: int) -> Metrics:
    """Metrics at k = lists.shape[1] of `lists` of `users` (users, k; -1: no item) against distinct pairs that were to be found.

    Every one of `users` has a pair. `n_items`: of the training part, the catalogue that coverage is a part of; computed here, since
    the library's function joins the training part with the lists.
    """
    n_users, k = lists.shape
    truth = pd.DataFrame({"userID": user_idx.astype(np.int64), "itemID": item_idx.astype(np.int64), "rating": 1.0})
    # Places without an item stay in, as misses: the library averages over users who have a list, so that a model could shine by
    # answering few.
    listed = pd.DataFrame(
        {
            "userID": np.repeat(users.astype(np.int64), k),
            "itemID": lists.astype(np.int64).ravel(),
            "prediction": np.tile(-np.arange(k, dtype=np.float64), n_users),
        }
    )
    values = {name: float(getattr(python_evaluation, function)(truth, listed, k=k)) for name, function in _METRICS.items()}
    covered = np.unique(lists[lists >= 0]).size / n_items
    return Metrics(**{name: round(value, DECIMALS) for name, value in (values | {"coverage": covered}).items()})
