"""The two queues and what goes on them. Jobs are named by dotted path, so that who enqueues never imports who works."""

from __future__ import annotations

from collections.abc import Iterable

from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.settings import Settings

TRAIN_QUEUE = "train"
SCORE_QUEUE = "score"
TRAIN_JOB = "trainer.jobs.run"
SCORE_JOB = "worker.jobs.score_shard"
RESULT_TTL_S = 3600


def train_queue(redis: Redis, settings: Settings) -> Queue:
    return _queue(TRAIN_QUEUE, redis, settings)


def score_queue(redis: Redis, settings: Settings) -> Queue:
    return _queue(SCORE_QUEUE, redis, settings)


def _queue(name: str, redis: Redis, settings: Settings) -> Queue:
    return Queue(f"{settings.namespace}-{name}", connection=redis, serializer=JSONSerializer, default_timeout=settings.job_timeout_s)


def run_job_id(run: str) -> str:
    return f"run-{run}"


def shard_job_id(generation: str, shard: int) -> str:
    return f"score-{generation}-{shard}"


def enqueue_run(queue: Queue, settings: Settings, run: str, options: dict[str, object]) -> Job:
    """Put a run on the queue "train". `options` override the trainer's own settings; they are JSON."""
    return queue.enqueue_call(
        TRAIN_JOB,
        args=(run, options),
        job_id=run_job_id(run),
        result_ttl=RESULT_TTL_S,
        failure_ttl=settings.failure_ttl_s,
        retry=_retry(settings),
        description=f"run {run}",
    )


def enqueue_shards(queue: Queue, settings: Settings, generation: str, shards: Iterable[int]) -> int:
    """Put one job per shard on the queue "score", in one round trip; how many."""
    jobs = [
        Queue.prepare_data(
            SCORE_JOB,
            args=(generation, shard),
            timeout=settings.job_timeout_s,
            job_id=shard_job_id(generation, shard),
            result_ttl=0,
            failure_ttl=settings.failure_ttl_s,
            retry=_retry(settings),
            description=f"score shard {shard} of generation {generation}",
        )
        for shard in shards
    ]
    queue.enqueue_many(jobs)
    return len(jobs)


def _retry(settings: Settings) -> Retry | None:
    return Retry(max=settings.job_retries) if settings.job_retries else None
