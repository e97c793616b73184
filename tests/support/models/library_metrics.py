"""recommenders' own ranking metrics (recommenders.evaluation.python_evaluation, 1.2.1): what the means of an evaluation are held to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from recommenders.evaluation import python_evaluation

from engine.arrays import Array

FUNCTIONS = {"precision": "precision_at_k", "recall": "recall_at_k", "ndcg": "ndcg_at_k", "map": "map"}


def library_metrics(user_idx: Array, item_idx: Array, users: Array, lists: Array) -> dict[str, float]:
    """Of `lists` of `users` (users, k; -1: no item) against pairs that were to be found. Places without an item stay in, as misses."""
    n_users, k = lists.shape
    truth = pd.DataFrame({"userID": user_idx.astype(np.int64), "itemID": item_idx.astype(np.int64), "rating": 1.0})
    listed = {"userID": np.repeat(users.astype(np.int64), k), "itemID": lists.astype(np.int64).ravel()}
    ranked = pd.DataFrame({**listed, "prediction": np.tile(-np.arange(k, dtype=np.float64), n_users)})
    return {name: float(getattr(python_evaluation, function)(truth, ranked, k=k)) for name, function in FUNCTIONS.items()}
