"""What a worker needs to make one user's rows anew (worker/folding.py): the events that the rows of all users were made from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.arrays import Array
from engine.fit.rows import rows_by_user
from trainer.interactions.interactions import Interactions


def event_arrays(interactions: Interactions) -> Mapping[str, Array]:
    """Events by user, then item, then as they came, as contract/artifacts/artifact.py names them."""
    ends, order, _ = rows_by_user(interactions.user_idx, interactions.item_idx, len(interactions.user_ids))
    found = {
        "event_indptr": ends,
        "event_items": interactions.item_idx[order].astype(np.int32, copy=False),
        "event_weights": interactions.weight[order],
    }
    if interactions.target is not None:
        found["event_targets"] = interactions.target[order]
    return found if interactions.time is None else {**found, "event_times": interactions.time[order]}
