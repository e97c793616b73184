"""The digest of a run: what it says of settings that are off."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from contract.artifacts.artifact_writer import id_arrays
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import interactions_of, rows_of
from tests.support.models.samples import many
from trainer.run.digest import digest_of


def test_a_run_that_explores_nothing_has_the_digest_of_before_there_was_exploration() -> None:
    model, interactions = ModelSettings(), interactions_of(many())
    rows = rows_of(interactions, model)
    said = json.loads(model.model_dump_json())
    assert said.pop("explore") == 0
    expected = hashlib.sha256(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode())
    for ids in (interactions.user_ids, interactions.item_ids):
        for values in id_arrays("ids", ids).values():
            expected.update(values.tobytes())
    for values in (rows.indptr, rows.indices, rows.affinity, rows.unity, rows.exponent):
        expected.update(np.ascontiguousarray(values).tobytes())
    assert digest_of(model, interactions, rows, {}) == expected.hexdigest()
    new, exploring = ModelSettings(new_items=1), ModelSettings(new_items=1, explore=0.1)
    assert len({digest_of(each, interactions, rows, {}) for each in (model, new, exploring)}) == 3
