"""Jobs of the queue "score": thin. Load, score, write, record; raise when something is wrong."""

from __future__ import annotations

import logging
import os

from contract.artifact import open_artifact
from contract.connections import connect, explained
from contract.errors import GenerationError
from contract.generations import Generations
from contract.keys import Keys, bucket_of
from contract.settings import Settings
from worker.scoring import score_users
from worker.writer import encode_lists, remove_shard, write_shard

log = logging.getLogger("larder.worker")
UNSERVED = ("failed", "pruned", "")


def score_shard(generation: str, shard: int) -> str:
    """Score one shard of a generation, write its lists, record it, promote if it was the last; what came of the generation.

    Safe to run twice, or at the same time as its twin: the lists are the same bytes, and a shard counts once.
    """
    settings = Settings.from_environ(os.environ)
    keys, store = Keys(settings.namespace), connect(settings.redis_url)
    generations = Generations(store, keys)
    with explained(settings.redis_url):
        state = generations.state(generation)
        if state != "scoring":
            log.info("shard %d of generation %s: nothing to do, the generation is %s", shard, generation, state or "gone")
            return state
        artifact = open_artifact(settings.artifacts, generation)
        manifest = artifact.manifest
        if not 0 <= shard < manifest.n_shards:
            raise GenerationError(f"generation {generation} has {manifest.n_shards} shards; there is no shard {shard}")
        start, end, bucket_start, bucket_end = artifact["shards"][shard].tolist()
        top = score_users(
            artifact.arrays,
            start,
            end,
            n_items=manifest.n_items,
            depth=manifest.settings.stored_depth,
            normalize=manifest.settings.normalize,
            exclude_seen=manifest.settings.exclude_seen,
            weight_min=manifest.weight_min,
            weight_max=manifest.weight_max,
        )
        user_ids = artifact.ids("user_ids", start, end)
        buckets = [bucket_of(user, manifest.n_user_buckets) for user in user_ids]
        checksum = write_shard(store, keys, generation, user_ids, encode_lists(top, artifact.ids("item_ids")), buckets)
        state = generations.record_shard(generation, shard, len(user_ids), int((top.lengths > 0).sum()), checksum)
        if state in UNSERVED:
            remove_shard(store, keys, generation, bucket_start, bucket_end)
            return state
        return generations.promote(generation, by="last shard")
