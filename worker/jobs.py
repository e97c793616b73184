"""Jobs of the queue "score": thin. Load, score, write, record; raise when something is wrong."""

from __future__ import annotations

import logging
import os

from redis.exceptions import OutOfMemoryError

from contract.errors import ArtifactError
from contract.formats.artifact import open_artifact
from contract.formats.keys import Keys
from contract.formats.states import GenerationState, Outcome
from contract.queue.jobs import enqueue_diff, train_queue
from contract.settings.settings import Settings
from contract.store.connections import connect, explained
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.removal import give_up
from worker.publishing import publish, tidy_up
from worker.shard import make_shard

NEWLY_SETTLED = frozenset(Outcome) - {Outcome.ALREADY}

log = logging.getLogger("larder.worker")


def score_shard(generation: str, shard: int) -> str:
    """Score one shard of a generation, write its lists, record it, promote if it was the last; what came of the generation.

    Safe to run twice, or at the same time as its twin: the lists are the same bytes, and a shard counts once.
    """
    settings = Settings.from_environ(os.environ)
    keys, store = Keys(settings.namespace), connect(settings.redis_url)
    generations, erasure = Generations(store, keys), Erasure(store, keys, settings.erasure_secret.get_secret_value())
    with explained(settings.redis_url):
        state = generations.state(generation)
        if state != GenerationState.SCORING:
            log.info("shard %d of generation %s: nothing to do, the generation is %s", shard, generation, state or "gone")
            tidy_up(generations, erasure, generation, *_buckets(settings, generation, shard))
            return state
        made = make_shard(open_artifact(settings.artifacts, generation), shard)
        try:
            outcome = publish(generations, erasure, made)
        except OutOfMemoryError:
            # Now, not when the job has failed: until there is room again, RQ can't even enter that.
            give_up(generations, generation, f"shard {shard}: Redis is full: raise its maxmemory, or lower LARDER_DEPTH")
            raise
    if outcome in NEWLY_SETTLED:
        queue_redis = store if settings.rq_url == settings.redis_url else connect(settings.rq_url)
        enqueue_diff(train_queue(queue_redis, settings), settings, generation)
    return outcome


def _buckets(settings: Settings, generation: str, shard: int) -> tuple[int, int]:
    """The user buckets of a shard; none when the artifact is gone."""
    try:
        _, _, start, end = open_artifact(settings.artifacts, generation)["shards"][shard].tolist()
    except (ArtifactError, IndexError):
        return 0, 0
    return start, end
