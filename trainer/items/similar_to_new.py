"""Similar items of items that the served generation does not know yet: by content, beside a revision of the items."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from contract.formats import payload
from contract.formats.ids import stored_id
from contract.formats.manifest import IdType
from contract.machine import n_cores
from contract.settings.settings import ModelSettings
from engine.linear.matrix import GIB, Columns, Limits
from engine.models import content
from trainer.items.features import features_of
from trainer.items.items import Items


def similar_to_new(
    items: Items, known: Collection[str], unavailable: Collection[str], id_type: IdType, model: ModelSettings, max_memory_gb: float
) -> dict[str, bytes]:
    """Lists of similar items, as payloads by id, of the items that are not among `known`; none where new_items is off.

    No list has an item that is unavailable. Raises DataError for columns that are not there, SettingsError above the limit of memory.
    """
    ids = [item_id for item_id in items.frame["item"].to_list() if stored_id(item_id, id_type) is not None]
    new = [at for at, item_id in enumerate(ids) if item_id not in known]
    if not (model.new_items and model.similar_depth and new):
        return {}
    on_offer = np.array([item_id not in unavailable for item_id in ids], np.float64)
    limits = Limits(max_memory_gb * GIB, n_cores())
    features = features_of(items, ids, model.content_names)
    matrix = content.fit(features, content.Parameters(model.similar_depth), limits, on_offer).matrix
    assert isinstance(matrix, Columns)  # noqa: S101 - what content makes
    found = {}
    for at in new:
        part = slice(int(matrix.indptr[at]), int(matrix.indptr[at + 1]))
        others, scores = matrix.item_idx[part], matrix.values[part]
        order = np.argsort(-scores, kind="stable")
        spelled = [stored_id(ids[other], id_type) for other in others[order].tolist()]
        found[ids[at]] = payload.encode([each for each in spelled if each is not None], scores[order].tolist())
    return found
