"""Lists that Redis has lost, made again from the artifact: the same bytes. What is there is left as it is.

No count and no record of the generation changes. Erased users get no list, whoever is faster; a generation that goes meanwhile keeps none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from contract.artifacts.artifact import Artifact
from contract.formats.states import is_gone
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from worker.publishing import take_back, take_back_erased, without_erased, write_shard
from worker.shard import Shard


def lost_shards(generations: Generations, artifact: Artifact) -> list[int]:
    """Shards of which Redis holds fewer lists than they recorded; rising."""
    manifest, keys, name = artifact.manifest, generations.keys, artifact.manifest.generation
    records, lost = generations.shards(name), []
    names_are_lost = manifest.finds_users and generations.redis.zcard(keys.names(name)) < sum(each.users for each in records.values())
    for shard, record in records.items():
        buckets = range(*artifact["shards"][shard, 2:].tolist())
        items = range(manifest.n_item_buckets * shard // manifest.n_shards, manifest.n_item_buckets * (shard + 1) // manifest.n_shards)
        wanted = [(partial(keys.recs, name), buckets, record.users), (partial(keys.similar, name), items, record.similar)]
        if manifest.settings.explain_depth:
            wanted.append((partial(keys.why, name), buckets, record.users))
        if names_are_lost or any(_held(generations, key_of, each) < n for key_of, each, n in wanted):
            lost.append(shard)
    return lost


def heal(generations: Generations, erasure: Erasure, shard: Shard) -> str:
    """Write what Redis lacks of `shard`; the state of the generation after that."""
    name = shard.generation
    revision, shard = without_erased(erasure, shard)
    write_shard(generations, shard, keeps=True)
    state = generations.state(name)
    if is_gone(state):
        take_back(generations, shard)
    elif erasure.revision() != revision:
        take_back_erased(generations, erasure, name, shard.bucket_start, shard.bucket_end)
    return state


def _held(generations: Generations, key_of: Callable[[int], str], buckets: Iterable[int]) -> int:
    """How many lists there are in some buckets."""
    with generations.redis.pipeline(transaction=False) as pipe:
        for bucket in buckets:
            pipe.hlen(key_of(bucket))
        return sum(cast("list[int]", pipe.execute()))
