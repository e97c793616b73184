"""What an artifact holds besides the similarity: rows, ids, shards, rules, and the manifest that describes it all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from contract.artifacts.artifact_writer import ArtifactWriter, id_arrays
from contract.formats import payload
from contract.formats.ids import id_type_of
from contract.formats.manifest import Manifest
from contract.text import utc_text
from engine.arrays import Array
from engine.fit.similarity import DENSE_PER_S, SPARSE_PER_S
from trainer.fitting.fit_model import Made
from trainer.interactions.indexing import bucket_order, last_times
from trainer.interactions.interactions import Interactions
from trainer.run import shards as dispatch
from trainer.run.digest import digest_of
from trainer.run.event_arrays import event_arrays
from trainer.run.named_lists import names_of
from trainer.run.spec import RunSpec

NO_RULES: Mapping[str, Array] = MappingProxyType({})


def seal(
    order: RunSpec,
    interactions: Interactions,
    made: Made,
    evaluation: dict[str, Any] | None,
    writer: ArtifactWriter,
    rules: Mapping[str, Array],
    lists: Mapping[str, Array],
) -> Manifest:
    """Plan the shards, add all that the artifact holds besides the similarity, and give it its name."""
    settings, run = order.settings, order.run
    model, n_items, (rows, fitted, *_) = settings.model_settings, len(interactions.item_ids), made
    if interactions.disliked is not None:
        rules = {**rules, **interactions.disliked.arrays(len(interactions.user_ids))}
    if made.seen is not None:
        rules = {**rules, **made.seen.arrays({name: rules[name] for name in rules if name.startswith("disliked_")})}
    per_s = DENSE_PER_S if fitted.layout == "dense" else SPARSE_PER_S
    each = n_items if made.prior else 0.0  # with a prior, every item is a candidate of every user
    shards = dispatch.plan_shards(rows.indptr, interactions.bucket_ends, fitted.row_work, settings.shard_target_s, per_s, each)
    counts = np.bincount(made.counted.indices, minlength=n_items)
    popular = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    popular = popular[~np.isin(popular, rules.get("excluded", ()))]
    item_order, item_bucket_ends = bucket_order(interactions.item_ids)
    writer.put(
        {
            **made.arrays(model.normalize),
            **id_arrays("user_ids", interactions.user_ids),
            **id_arrays("item_ids", interactions.item_ids),
            "shards": shards,
            "item_order": item_order,
            "item_bucket_ends": item_bucket_ends,
            "popular": popular[: model.stored_depth].astype(np.int32),
            **last_times(interactions.item_idx, interactions.time, n_items),
            **rules,
            **(event_arrays(interactions) if settings.counts_at_once and settings.duplicates == "sum" else {}),
            **lists,
        }
    )
    return writer.finish(
        Manifest(
            payload_format=payload.MARKED if model.explore else payload.FORMAT,
            generation=run,
            digest=digest_of(model, interactions, rows, {**rules, **made.prior, **made.learnt_from}),
            source=interactions.source,
            trained_at=utc_text(datetime.now(UTC)),
            data_until=interactions.data_until,
            data_since_s=None if interactions.time is None else int(interactions.time.min()),
            n_users=len(interactions.user_ids),
            n_items=n_items,
            n_interactions=int(rows.indices.size),
            n_shards=len(shards),
            n_user_buckets=len(interactions.bucket_ends),
            n_item_buckets=len(item_bucket_ends),
            user_id_type=id_type_of(interactions.user_ids),
            item_id_type=id_type_of(interactions.item_ids),
            similarity_layout=fitted.layout,
            weight_min=rows.weight_min,
            weight_max=rows.weight_max,
            settings=model,
            evaluation=evaluation,
            tuning=order.tuned.model_dump(mode="json") if order.tuned else None,
            reading={**interactions.reading, "dropped": dict(interactions.dropped)},
            lists=names_of(lists),
            finds_users=settings.find_users,
            audience_depth=settings.audience_depth,
        )
    )
