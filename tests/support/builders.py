"""Fills Redis through the real contract, with lists that a test knows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis

from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import IdType, Manifest
from contract.formats.shard_record import ShardRecord
from contract.settings.settings import ModelSettings
from contract.store.generations import Generations
from contract.store.item_revisions import ItemsPointer

# Ids are Any, since a Mapping of ints is no Mapping of "ints or strings".
Lists = Mapping[Any, Sequence[tuple[Any, float]]]
Metadata = Mapping[Any, Mapping[str, object]]


def make_manifest(generation: str = "g1", *, k: int = 3, depth: int = 6, **fields: Any) -> Manifest:
    """A manifest of one shard; `fields` replace what it says."""
    values: dict[str, Any] = {
        "generation": generation,
        "digest": f"digest of {generation}",
        "source": "a test",
        "trained_at": "2026-01-02T03:04:05Z",
        "data_until": "2026-01-01T00:00:00Z",
        "n_users": 1,
        "n_items": 1,
        "n_interactions": 1,
        "n_shards": 1,
        "n_user_buckets": 4,
        "n_item_buckets": 2,
        "user_id_type": "int",
        "item_id_type": "int",
        "similarity_layout": "dense",
        "weight_min": 0.5,
        "weight_max": 5.0,
        "settings": ModelSettings(k=k, depth=depth, similar_depth=0),
    }
    return Manifest(**{**values, **fields})


def manifest_of(lists: Lists, generation: str, **fields: Any) -> Manifest:
    """`make_manifest` with the counts and id types of `lists`."""
    items = [item for entries in lists.values() for item, _ in entries]
    counts = {"n_users": len(lists), "n_items": len(set(items)), "n_interactions": len(items)}
    return make_manifest(generation, **{**counts, "user_id_type": _type_of(list(lists)), "item_id_type": _type_of(items), **fields})


def write_lists(redis: Redis, keys: Keys, manifest: Manifest, lists: Lists, metadata: Metadata | None = None) -> None:
    """Lists and metadata as the workers and the trainer write them."""
    buckets: dict[str, dict[str, bytes]] = defaultdict(dict)
    for user_id, entries in lists.items():
        key = keys.recs(manifest.generation, bucket_of(user_id, manifest.n_user_buckets))
        buckets[key][str(user_id)] = payload.encode([item for item, _ in entries], [score for _, score in entries])
    for item_id, fields in (metadata or {}).items():
        key = keys.items(manifest.pointer().items_revision, bucket_of(item_id, manifest.n_item_buckets))
        buckets[key][str(item_id)] = json.dumps(fields).encode()
    for key, mapping in buckets.items():
        redis.hset(key, mapping=mapping)  # type: ignore[arg-type]


def items_pointer(revision: int = 1, **fields: Any) -> ItemsPointer:
    """A pointer to one item, described in one bucket; `fields` replace what it says."""
    values = {"n_buckets": 1, "n_items": 1, "n_unavailable": 0, "made_at": "now", "made_by": "command", "source": "a test"}
    return ItemsPointer.model_validate({"revision": revision, **values, **fields})


def promote_lists(
    redis: Redis, keys: Keys, lists: Lists, *, generation: str = "g1", metadata: Metadata | None = None, **fields: Any
) -> Manifest:
    """Begin `generation`, write `lists` as its only shard, record it, promote it. `fields` are the manifest's, and `k` and `depth`."""
    manifest = manifest_of(lists, generation, **fields)
    generations = Generations(redis, keys)
    generations.begin(manifest)
    write_lists(redis, keys, manifest, lists, metadata)
    generations.record_shard(generation, 0, ShardRecord(len(lists), len(lists), sum(map(len, lists.values())), 0))
    outcome = generations.promote(generation, "a test")
    assert outcome == "promoted", outcome
    return manifest


def _type_of(ids: Sequence[Id]) -> IdType:
    return "str" if ids and isinstance(ids[0], str) else "int"
