"""Generations that nobody works on any more, after a queue was emptied or lost: given up, so that they neither wait nor stay."""

from __future__ import annotations

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from contract.formats.states import GenerationState
from contract.queue.jobs import run_job_id, shard_job_id
from contract.store.generations import Generations
from contract.store.removal import give_up

ALIVE = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def give_up_abandoned(generations: Generations, trains: Queue, scores: Queue) -> list[str]:
    """Fail each scoring generation of which no job is left; those. One whose shards are all there is promoted in place of that."""
    given_up = []
    for generation in generations.ids():
        progress = generations.progress(generation)
        if progress is None or progress.state != GenerationState.SCORING or _alive(trains, run_job_id(generation)):
            continue
        missing = generations.missing_shards(generation, progress.n_shards)
        if any(_alive(scores, shard_job_id(generation, shard)) for shard in missing):
            continue
        if missing == generations.missing_shards(generation, progress.n_shards):  # none was recorded, and its job removed, in between
            if generations.promote(generation, by="the trainer, after a worker's death") != "incomplete":
                continue
            reason = f"abandoned: {len(missing)} of {progress.n_shards} shards are missing, and no job of theirs is left"
            if give_up(generations, generation, reason):
                given_up.append(generation)
    return given_up


def _alive(queue: Queue, job_id: str) -> bool:
    try:
        job = Job.fetch(job_id, connection=queue.connection, serializer=JSONSerializer)
    except NoSuchJobError:
        return False
    return job.get_status(refresh=False) in ALIVE
