"""Generations that nobody works on any more, after a failover lost jobs or records, or a queue was emptied: gone on with or given up."""

from __future__ import annotations

from dataclasses import dataclass

from rq import Queue

from contract.formats.states import GenerationState, Waits
from contract.queue.healing import is_alive
from contract.queue.jobs import enqueue_shards, run_job_id, shard_job_id
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.progress import Progress, leader_of
from contract.store.removal import give_up

TIMES = 5
"""That a generation's shards are enqueued again: jobs that end without a record each time would never end."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """`enqueued`: how many of its shards were enqueued again; 0: it was given up."""

    generation: str
    enqueued: int


def see_to_abandoned(generations: Generations, trains: Queue, scores: Queue, settings: Settings) -> list[Abandoned]:
    """Enqueue the missing shards of each scoring generation of which no job is left; those. One whose shards are all there is promoted.

    One that waits for arms of an experiment is promoted once nothing keeps it any more. A shard whose artifact is gone fails, and its
    generation with it. Raises NotReplicatedError where replicas lack what is to be promoted.
    """
    found = []
    for generation in generations.ids():
        progress = generations.progress(generation)
        if progress is not None and progress.waits == Waits.ARMS and not leader_of(generations.redis, generations.keys, generation):
            generations.promote(generation, by="the trainer, after an experiment")
        if progress is None or progress.state != GenerationState.SCORING or is_alive(trains, run_job_id(generation)):
            continue
        missing = generations.missing_shards(generation, progress.n_shards)
        if any(is_alive(scores, shard_job_id(generation, shard)) for shard in missing):
            continue
        if missing != generations.missing_shards(generation, progress.n_shards):
            continue  # one was recorded, and its job removed, in between
        if not missing:  # its last shard may be recorded, and wait for replicas
            generations.acknowledged.settle(generations.redis)
        if generations.promote(generation, by="the trainer, after a worker's death") != "incomplete":
            continue
        if generations.redis.hincrby(generations.keys.generation(generation), "enqueued_again", 1) <= TIMES:
            found.append(Abandoned(generation, enqueue_shards(scores, settings, generation, missing)))
            continue
        if give_up(generations, generation, _why(progress, len(missing))):
            found.append(Abandoned(generation, 0))
    return found


def _why(progress: Progress, n_missing: int) -> str:
    if n_missing:
        return f"abandoned: {n_missing} of {progress.n_shards} shards are missing, whose jobs were lost {TIMES} times"
    users = f"{progress.users_written:,} of {progress.n_users:,} users"
    similar = f"{progress.similar_written:,} of {progress.n_similar:,} lists of similar items"
    return f"all {progress.n_shards} shards are recorded, and they have {users} and {similar}: its manifest was changed; train again"
