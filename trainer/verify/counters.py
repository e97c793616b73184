"""Holds a generation's counters, which promotion and readers rely on, against its shards' records and its manifest."""

from __future__ import annotations

from contract.formats.manifest import Manifest
from contract.store.generations import Generations


def wrong_counters(generations: Generations, manifest: Manifest) -> list[str]:
    """A sentence for each counter that is not what it should be."""
    progress, name = generations.progress(manifest.generation), manifest.generation
    if progress is None:
        return ["the generation has just been removed"]
    records = list(generations.shards(name).values())
    erased = generations.redis.scard(generations.keys.erased_of(name))
    pointer = generations.current()
    n_users = manifest.n_users - len(manifest.erased) - erased
    figures = [
        ("n_shards", progress.n_shards, manifest.n_shards, "the manifest says"),
        ("n_users", progress.n_users, n_users, "the manifest, without the erased, says"),
        ("n_similar", progress.n_similar, manifest.n_items if manifest.settings.similar_depth else 0, "the manifest says"),
        ("users_written", progress.users_written, sum(record.users for record in records), "the shards recorded"),
        ("lists_written", progress.lists_written, sum(record.lists for record in records), "the shards recorded"),
        ("listed", progress.listed, sum(record.listed for record in records), "the shards recorded"),
        ("similar_written", progress.similar_written, sum(record.similar for record in records), "the shards recorded"),
        ("recorded shards", len(records), manifest.n_shards, "the manifest says"),
    ]
    if manifest.finds_users:
        names = generations.redis.zcard(generations.keys.names(name))
        figures.append(("users who are found by their id", names, n_users, "the manifest, without the erased, says"))
    if pointer is not None and pointer.generation == name:
        figures.append(("n_users of the pointer", pointer.n_users, n_users, "the manifest, without the erased, says"))
    return [f"the counter {what} is {is_:,}, and {who} {said:,}" for what, is_, said, who in figures if is_ != said]
