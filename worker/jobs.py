"""Jobs of the queue "score": thin. Load, score, write, record; raise when something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from contract.artifacts.artifact import open_artifact, open_whole
from contract.errors import ArtifactError, LarderError
from contract.formats.states import HAS_LISTS, GenerationState, Outcome
from contract.larder import Larder
from contract.queue.healing import enqueue_lost_shards
from contract.queue.jobs import enqueue_diff
from contract.settings.settings import Settings
from contract.store.connections import explained, says_full
from contract.store.progress import leader_of
from contract.store.removal import REDIS_IS_FULL, give_up
from contract.store.replicas.lost import tell_why
from contract.telemetry.logs import working_on
from contract.telemetry.tracing import span
from worker.healing import heal as heal_lists
from worker.healing import lost_shards
from worker.publishing import publish, tidy_up
from worker.shard import make_shard

NEWLY_SETTLED = frozenset(Outcome) - {Outcome.ALREADY}

log = logging.getLogger("larder.worker")


def score_shard(generation: str, shard: int) -> str:
    """Score one shard of a generation, write its lists, record it, promote if it was the last; what came of the generation.

    Safe to run twice, or at the same time as its twin: the lists are the same bytes, and a shard counts once.
    """
    larder = Larder.from_environ()
    settings, generations, erasure = larder.settings, larder.generations, larder.erasure
    with explained(settings.redis_url), working_on(run=generation, shard=shard):
        state = generations.state(generation)
        if state != GenerationState.SCORING:
            log.info("shard %d of generation %s: nothing to do, the generation is %s", shard, generation, state or "gone")
            tidy_up(generations, erasure, generation, *_buckets(settings, generation, shard))
            return state
        with span("score", generation=generation, shard=shard):
            # Every byte is looked at for the first shard, without which nothing is promoted.
            opened = open_artifact if shard else open_whole
            made = make_shard(opened(settings.artifacts, generation), shard)
        try:
            with span("publish", users=len(made.users.ids)):
                outcome = publish(generations, erasure, made)
        except RedisError as error:
            if says_full(error):  # now, not when the job has failed: until there is room again, RQ can't even enter that
                give_up(generations, generation, f"shard {shard}: {REDIS_IS_FULL}")
            raise
        if outcome in NEWLY_SETTLED:
            enqueue_diff(larder.train_queue, settings, generation)
            leader = leader_of(larder.store, larder.keys, generation)
            if leader and generations.promote(leader, by="last shard") in NEWLY_SETTLED:
                enqueue_diff(larder.train_queue, settings, leader)
    return outcome


def heal(generation: str) -> int:
    """Enqueue the shards of which Redis has lost lists, to be made again from the artifact; how many. Where it can't be, say why."""
    larder = Larder.from_environ()
    settings, generations = larder.settings, larder.generations
    with explained(settings.redis_url), working_on(run=generation):
        if generations.state(generation) not in HAS_LISTS:
            return 0
        with _telling_why(larder, generation):
            shards = lost_shards(generations, open_whole(settings.artifacts, generation))
        if shards:
            log.warning("generation %s has lost lists of %d shard(s): they are made again", generation, len(shards))
        return enqueue_lost_shards(larder.score_queue, settings, generation, shards)


def heal_shard(generation: str, shard: int) -> str:
    """Make what Redis has lost of one shard again; the state of the generation. Safe to run twice: what is there stays."""
    larder = Larder.from_environ()
    settings, generations = larder.settings, larder.generations
    with explained(settings.redis_url), working_on(run=generation, shard=shard):
        if (state := generations.state(generation)) not in HAS_LISTS:
            return state
        with _telling_why(larder, generation):
            return heal_lists(generations, larder.erasure, make_shard(open_artifact(settings.artifacts, generation), shard))


@contextmanager
def _telling_why(larder: Larder, generation: str) -> Iterator[None]:
    """Say for people why lists can't be made again, where to try once more would not help."""
    try:
        yield
    except LarderError as error:
        if not error.transient:
            tell_why(larder.store, larder.keys, generation, str(error))
        raise


def _buckets(settings: Settings, generation: str, shard: int) -> tuple[int, int]:
    """The user buckets of a shard; none when the artifact is gone."""
    try:
        _, _, start, end = open_artifact(settings.artifacts, generation)["shards"][shard].tolist()
    except (ArtifactError, IndexError):
        return 0, 0
    return start, end
