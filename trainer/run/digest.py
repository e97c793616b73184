"""The digest of a run: what its lists follow from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from contract.artifacts.artifact_writer import id_arrays
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit.rows import Rows
from trainer.interactions.interactions import Interactions


def digest_of(model: ModelSettings, interactions: Interactions, rows: Rows, arrays: Mapping[str, Array]) -> str:
    """sha256 over model settings, ids, affinities and `arrays` (rules, and what the model follows from).

    Equal for equal interactions and settings, in whatever order they came.
    """
    if model.engine == "spark":  # which makes the same bytes
        model = model.model_copy(update={"engine": "larder"})
    said = model.model_dump_json(exclude={"explore"} if not model.explore else None)
    digest = hashlib.sha256(said.encode())
    for ids in (interactions.user_ids, interactions.item_ids):
        for values in id_arrays("ids", ids).values():
            digest.update(values.tobytes())
    for values in (rows.indptr, rows.indices, rows.affinity, rows.unity, rows.exponent, *(arrays[name] for name in sorted(arrays))):
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
