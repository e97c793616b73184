"""Jobs that make again what Redis has lost, and whether a job is still on its way."""

from __future__ import annotations

from collections.abc import Iterable

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from contract.queue.jobs import enqueue_about, enqueue_shards, heal_shard_id
from contract.queue.known_jobs import HEAL_JOB, HEAL_NAMED_JOB, PUBLISH_JOB
from contract.settings.settings import Settings

ALIVE = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def enqueue_healing(scores: Queue, settings: Settings, generation: str) -> bool:
    """Let a worker find which shards have lost lists, before any other job; False where one does already."""
    return _enqueue(scores, settings, HEAL_JOB, generation, "find lost lists")


def enqueue_named(trains: Queue, settings: Settings, generation: str) -> bool:
    """Let the trainer write popular and named lists again; False where that is on its way."""
    return _enqueue(trains, settings, HEAL_NAMED_JOB, generation, "write lost named lists")


def publishing_job_id(generation: str) -> str:
    return f"publishes-{generation}"


def enqueue_publishing(trains: Queue, settings: Settings, generation: str) -> None:
    """Let the trainer begin a generation anew from its artifact, if nothing else is there by then."""
    about = f"publish generation {generation} again"
    enqueue_about(trains, settings, PUBLISH_JOB, publishing_job_id(generation), generation, about)


def enqueue_lost_shards(scores: Queue, settings: Settings, generation: str, shards: Iterable[int]) -> int:
    """Let workers make these shards again, before any other job, but for those that are on their way; how many."""
    wanted = [shard for shard in shards if not is_alive(scores, heal_shard_id(generation, shard))]
    return enqueue_shards(scores, settings, generation, wanted, heals=True) if wanted else 0


def _enqueue(queue: Queue, settings: Settings, job: str, generation: str, what: str) -> bool:
    if is_alive(queue, job_id := f"{job.partition('.')[0]}-heals-{generation}"):
        return False
    enqueue_about(queue, settings, job, job_id, generation, f"{what} of generation {generation}", at_front=True)
    return True


def is_alive(queue: Queue, job_id: str) -> bool:
    """Whether a job waits or runs."""
    try:
        job = Job.fetch(job_id, connection=queue.connection, serializer=JSONSerializer)
    except NoSuchJobError:
        return False
    return job.get_status(refresh=False) in ALIVE
