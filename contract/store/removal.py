"""Deleting the lists of generations, in steps too short to hold other clients up; and a user out of lists of users."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Manifest
from contract.formats.states import GenerationState
from contract.store.connections import says_full
from contract.store.generations import Generations
from contract.store.progress import company_of
from contract.store.scripts import scripts

REDIS_IS_FULL = "Redis is full: raise its maxmemory, or lower LARDER_DEPTH"
UNLINK_STEP = 500  # keys in one UNLINK


def retire(generations: Generations, generation: str, grace_s: float, late_writers_s: float) -> bool:
    """Delete an unreferenced generation's lists; True once nothing of it is left.

    Its lists go `grace_s` after the last reference. Its hash stays `late_writers_s` longer, so that a worker that was asleep
    still finds the state "pruned"; then the lists are swept once more and the hash goes too.
    """
    redis, k = generations.redis, generations.keys
    script = scripts(redis, "retire")["retire"]
    age_ms = int(script(keys=[k.current, k.generation(generation)], args=[generation, int(grace_s * 1000)]))
    if age_ms < 0:
        return False
    unlink_lists(generations, generation)
    if age_ms < late_writers_s * 1000:
        return False
    forget(generations, generation)
    return True


def forget(generations: Generations, generation: str) -> None:
    """Delete what Redis knows of a generation whose lists are gone."""
    k = generations.keys
    with generations.redis.pipeline(transaction=True) as pipe:
        pipe.unlink(k.generation(generation), k.shards(generation), k.erased_of(generation))
        pipe.zrem(k.generations, generation)
        pipe.execute()


def give_up(generations: Generations, generation: str, reason: str) -> bool:
    """Fail a scoring generation and delete its lists, and those that would be promoted with it; False when it is no longer scoring.

    The lists go first where memory is full: no write, not even that of the state, is possible before.
    """
    if generations.state(generation) != GenerationState.SCORING:
        return False
    unlink_lists(generations, generation)
    failed = generations.fail(generation, reason)
    for other in company_of(generations.redis, generations.keys, generation) if failed else ():
        give_up(generations, other, f"generation {generation}, which it would be promoted with, failed")
    unlink_lists(generations, generation)  # what a worker wrote in between; later ones see the state, and take back what they wrote
    return failed


def make_room(generations: Generations) -> str | None:
    """Give up the newest generation that is being scored, if Redis is full; its id. None, too, where its lists took too little.

    RQ can't enter into a full Redis that a job has failed, so no job would ever fail the generation.
    """
    if not _is_full(generations):
        return None
    try:
        return next((generation for generation in reversed(generations.ids()) if give_up(generations, generation, REDIS_IS_FULL)), None)
    except RedisError as error:
        if not says_full(error):
            raise
        return None


def _is_full(generations: Generations) -> bool:
    """Whether the server refuses what takes memory."""
    try:
        generations.redis.set(generations.keys.lease("of-room"), "", px=1)
    except RedisError as error:
        if not says_full(error):
            raise
        return True
    return False


def unlink_lists(generations: Generations, generation: str) -> None:
    """Delete all that was written for readers of `generation`."""
    keys = keys_of_lists(generations.keys, generations.manifest(generation))
    while some := list(islice(keys, UNLINK_STEP)):
        generations.redis.unlink(*some)


def keys_of_lists(keys: Keys, manifest: Manifest) -> Iterator[str]:
    """Every key that holds lists or metadata of one generation."""
    name = manifest.generation
    yield keys.popular(name)
    yield keys.lists(name)
    yield keys.names(name)
    for bucket in range(manifest.n_user_buckets):
        yield keys.recs(name, bucket)
        yield keys.why(name, bucket)
    for bucket in range(manifest.n_item_buckets):
        yield keys.items(name, bucket)
        yield keys.similar(name, bucket)
        if manifest.audience_depth:
            yield keys.audience(name, bucket)


def sweep(generations: Generations, generation: str) -> int:
    """Delete lists of a generation that Redis no longer knows, which a worker left that was killed after it; how many keys."""
    redis, k = generations.redis, generations.keys
    patterns = [key(generation, 0).removesuffix("0") + "*" for key in (k.recs, k.why, k.similar, k.items, k.audience)]
    redis.unlink(k.names(generation))
    left = [key for pattern in patterns for key in redis.scan_iter(pattern, count=UNLINK_STEP)]
    for start in range(0, len(left), UNLINK_STEP):
        redis.unlink(*left[start : start + UNLINK_STEP])
    return len(left)


def take_out(redis: Redis, keys: Keys, manifest: Manifest, user_id: Id, items: Collection[Id] | None) -> None:
    """Take a user out of the audiences of `items`; None: of all, since nobody knows any more whose list had what."""
    buckets = range(manifest.n_item_buckets) if items is None else sorted({bucket_of(item, manifest.n_item_buckets) for item in items})
    wanted = None if items is None else {str(item).encode() for item in items}
    for bucket in buckets:
        key = keys.audience(manifest.generation, bucket)

        def leave_out(pipe: Pipeline, key: str = key) -> None:
            found = cast("dict[bytes, bytes]", pipe.hgetall(key))
            pipe.multi()
            for field, raw in found.items():
                if wanted is None or field in wanted:
                    _leave_out(pipe, key, field, raw, str(user_id))

        redis.transaction(leave_out, key)


def _leave_out(pipe: Pipeline, key: str, field: bytes, raw: bytes, user: str) -> None:
    try:
        users, scores = payload.decode(raw)
    except PayloadError:  # damaged: who is in it, nobody can say
        pipe.hdel(key, field)
        return
    kept = [at for at, each in enumerate(users) if str(each) != user]
    if len(kept) < len(users):
        pipe.hset(key, field, payload.encode([users[at] for at in kept], [scores[at] for at in kept]))
