"""`--engine recommenders`: the library's own SAR, written into the same artifact. The only importer of recommenders' SAR.

It needs dense items × items matrices and unique pairs: for comparison, not for large data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from contract.artifacts.artifact import TILE
from contract.errors import DataError
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array
from engine.fit.rows import Rows
from trainer.interactions.interactions import Interactions

np.NaN = np.nan  # type: ignore[attr-defined]  # recommenders 1.2.1 asks for the name that NumPy 2 took away
from recommenders.models.sar import SAR as SAR  # noqa: E402

USER, ITEM, WEIGHT, TIME = "userID", "itemID", "rating", "timestamp"


def fit(interactions: Interactions, model: ModelSettings, allocate: Allocate) -> Rows:
    """Fit recommenders' SAR on positions and fill "similarity" (dense tiles). Raises DataError where the library can't fit."""
    frame = frame_of(interactions)
    if frame.duplicated([USER, ITEM]).any():
        raise DataError(f"{interactions.source}: recommenders' SAR can't take a pair twice; use the engine larder, which sums them")
    sar = new_sar(model, decays=interactions.time is not None and model.time_decay_days > 0)
    sar.fit(frame)
    n_items = len(interactions.item_ids)
    item_order = np.array([sar.item2index[item] for item in range(n_items)])
    user_order = np.array([sar.user2index[user] for user in range(len(interactions.user_ids))])
    similarity = sar.item_similarity
    dense = np.nan_to_num(np.asarray(similarity.todense() if hasattr(similarity, "todense") else similarity), posinf=0.0, neginf=0.0)
    tiles = allocate("similarity", np.float32, (-(-n_items // TILE), n_items, TILE))
    ordered = dense[np.ix_(item_order, item_order)]
    for tile, first in enumerate(range(0, n_items, TILE)):
        part = ordered[:, first : first + TILE]
        tiles[tile, :, : part.shape[1]] = part
    affinity = sar.user_affinity[user_order][:, item_order].sorted_indices()
    unity = sar.unity_user_affinity[user_order][:, item_order].sorted_indices().data if model.normalize else np.ones(affinity.nnz)
    return _rows(affinity, unity)


def new_sar(model: ModelSettings, decays: bool) -> SAR:
    return SAR(
        col_user=USER,
        col_item=ITEM,
        col_rating=WEIGHT,
        col_timestamp=TIME,
        similarity_type=model.similarity,
        time_decay_coefficient=model.time_decay_days or 1,
        timedecay_formula=decays,
        threshold=model.threshold,
        normalize=model.normalize,
    )


def frame_of(interactions: Interactions) -> pd.DataFrame:
    """The interactions as the library wants them; positions stand for the ids."""
    columns = {USER: interactions.user_idx, ITEM: interactions.item_idx, WEIGHT: interactions.weight.astype(np.float64)}
    if interactions.time is not None:
        columns[TIME] = interactions.time
    return pd.DataFrame(columns)


def _rows(affinity: object, unity: Array) -> Rows:
    values: Array = affinity.data.astype(np.float64)  # type: ignore[attr-defined]
    indptr: Array = affinity.indptr.astype(np.int64)  # type: ignore[attr-defined]
    unity = np.asarray(unity, dtype=np.float64)
    largest = np.maximum.reduceat(unity, indptr[:-1])
    exponent = np.where(largest > 0, np.floor(np.log2(np.where(largest > 0, largest, 1.0))), 0).astype(np.int32)
    scale = np.ldexp(1.0, -np.repeat(exponent, np.diff(indptr)))
    return Rows(
        indptr=indptr,
        indices=affinity.indices.astype(np.int32),  # type: ignore[attr-defined]
        affinity=(values * scale).astype(np.float32),
        unity=(unity * scale).astype(np.float32),
        exponent=exponent,
        weight_min=float(values.min()),
        weight_max=float(values.max()),
    )
