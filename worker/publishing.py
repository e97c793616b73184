"""A shard into Redis: written, recorded, promoted if it was the last. Erased users leave nothing, whoever is faster."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import cast

from contract.formats.states import GenerationState, is_gone
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.removal import sweep
from contract.telemetry.tracing import note, span
from worker.shard import Shard
from worker.writer import write_lists, write_names

NAMES_PER_LOOK = 1000


def publish(generations: Generations, erasure: Erasure, shard: Shard) -> str:
    """Write and record `shard`, and promote its generation if that was the last; what came of the generation."""
    name = shard.generation
    revision, shard = without_erased(erasure, shard)
    write_shard(generations, shard)
    while (state := generations.record_shard(name, shard.number, shard.record(revision))) == "erased":
        revision, shard = without_erased(erasure, shard)
        take_back_erased(generations, erasure, name, shard.bucket_start, shard.bucket_end)
    if state == GenerationState.SCORING:
        if shard.finds_users:
            _take_back_names(generations, erasure, name)
        with span("promote", generation=name):
            outcome = generations.promote(name, by="last shard")
            note(outcome=outcome)
            return outcome
    # A twin has been here before, or the generation is settled: what this process wrote must not outlive that.
    if is_gone(state):
        take_back(generations, shard)
        return state
    if erasure.revision() != revision:
        take_back_erased(generations, erasure, name, shard.bucket_start, shard.bucket_end)
    return state


def write_shard(generations: Generations, shard: Shard, *, keeps: bool = False) -> None:
    """All lists of a shard. `keeps`: those that are there stay as they are."""
    keys, name, users, similar = generations.keys, shard.generation, shard.users, shard.similar
    if shard.finds_users:
        write_names(generations, keys.names(name), users.ids)  # before the lists, by which those are found who are erased meanwhile
    write_lists(generations, partial(keys.recs, name), users.ids, users.values, users.buckets, keeps=keeps)
    if users.whys:
        write_lists(generations, partial(keys.why, name), users.ids, users.whys, users.buckets, keeps=keeps)
    write_lists(generations, partial(keys.similar, name), similar.ids, similar.values, similar.buckets, keeps=keeps)


def tidy_up(generations: Generations, erasure: Erasure, generation: str, bucket_start: int, bucket_end: int) -> None:
    """For a job that finds its work done: a try before it may have been killed between its writes and the look that follows them."""
    state = generations.state(generation)
    if not state:
        sweep(generations, generation)
    elif not is_gone(state) and erasure.revision():
        take_back_erased(generations, erasure, generation, bucket_start, bucket_end)


def take_back_erased(generations: Generations, erasure: Erasure, generation: str, bucket_start: int, bucket_end: int) -> None:
    """Delete the lists of erased users in a range of buckets."""
    redis, keys = generations.redis, generations.keys
    for bucket in range(bucket_start, bucket_end):
        for key in (keys.recs(generation, bucket), keys.why(generation, bucket)):
            if erased := erasure.among(cast("list[bytes]", redis.hkeys(key))):
                redis.hdel(key, *erased)
                redis.zrem(keys.names(generation), *erased)


def _take_back_names(generations: Generations, erasure: Erasure, generation: str) -> None:
    """Delete names of erased users that have no list: of a worker that died between the two. Looked for where there are names too many."""
    redis, key, progress = generations.redis, generations.keys.names(generation), generations.progress(generation)
    if progress is None or progress.shards_recorded < progress.n_shards or redis.zcard(key) <= progress.users_written:
        return
    names = (name for name, _ in redis.zscan_iter(key, count=NAMES_PER_LOOK))
    while some := list(islice(names, NAMES_PER_LOOK)):
        if erased := erasure.among(some):
            redis.zrem(key, *erased)


def without_erased(erasure: Erasure, shard: Shard) -> tuple[int, Shard]:
    """The revision of the list of the erased, and the shard without them."""
    revision = erasure.revision()
    return revision, shard.without_users(erasure.positions(shard.users.ids)) if revision else shard


def take_back(generations: Generations, shard: Shard) -> None:
    """Delete a shard of a generation that was given up while it was being written."""
    keys, name = generations.keys, shard.generation
    buckets = range(shard.bucket_start, shard.bucket_end)
    written = [key(name, bucket) for bucket in buckets for key in (keys.recs, keys.why)]
    written += [keys.similar(name, bucket) for bucket in sorted(set(shard.similar.buckets))]
    generations.redis.unlink(*written)
    if shard.finds_users:
        generations.redis.unlink(keys.names(name))
