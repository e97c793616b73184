"""Plans the shards of a generation, and writes what is not scored: the popularity list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from contract.formats import payload
from contract.formats.keys import Id
from contract.formats.shard_record import SHARD_USERS
from contract.store.generations import Generations
from engine.arrays import Array

MIN_SHARDS = 8  # so that a small run still spreads over workers and shows progress


def plan_shards(indptr: Array, bucket_ends: Array, row_work: float, target_s: float, per_s: float, user_work: float = 0.0) -> Array:
    """Cut the buckets into shards of about equal work: int64 (n_shards, 4), user_start, user_end, bucket_start, bucket_end.

    `row_work`: multiply-adds that one interaction costs, one at the least; `user_work`: what a user costs beside them. A shard takes about
    `target_s` at `per_s`, and whole buckets.
    """
    user_ends = np.concatenate(([0], bucket_ends)).astype(np.int64)
    work = np.concatenate(([0.0], np.cumsum(np.diff(indptr[user_ends]) * max(row_work, 1.0) + np.diff(user_ends) * user_work)))
    n_buckets = len(bucket_ends)
    wanted = max(MIN_SHARDS, int(-(-work[-1] // (per_s * target_s))), -(-int(user_ends[-1]) // SHARD_USERS))
    cuts = np.searchsorted(work, np.linspace(0, work[-1], min(wanted, n_buckets) + 1)[1:-1])
    edges = np.unique(np.concatenate(([0], cuts, [n_buckets])))
    shards: Array = np.stack([user_ends[edges[:-1]], user_ends[edges[1:]], edges[:-1], edges[1:]], axis=1).astype(np.int64)
    return shards


def write_popular(generations: Generations, generation: str, item_ids: Sequence[Id], popular: Mapping[int, int]) -> None:
    """Write the popularity list, the fallback of cold users: `popular` is item_idx -> interactions, most first."""
    ids = [item_ids[item] for item in popular]
    value, key = payload.encode(ids, [float(count) for count in popular.values()]), generations.keys.popular(generation)
    generations.acknowledged.send(generations.redis, lambda pipe: pipe.set(key, value))
