"""The two queues and what goes on them. Jobs are named by dotted path, so that who enqueues never imports who works."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.formats.keys import Id
from contract.queue.known_jobs import COMPARE_JOB, DIFF_JOB, ERASE_JOB, HEAL_SHARD_JOB, SCORE_JOB, TRAIN_JOB, KnownJob
from contract.queue.names import SCORE_QUEUE, TRAIN_QUEUE
from contract.settings.settings import Settings
from contract.telemetry import tracing

RESULT_TTL_S = 3600
SCORES = "score-"  # begins the ids of jobs that score a shard


def train_queue(redis: Redis, settings: Settings) -> Queue:
    return _queue(TRAIN_QUEUE, redis, settings)


def score_queue(redis: Redis, settings: Settings) -> Queue:
    return _queue(SCORE_QUEUE, redis, settings)


def _queue(name: str, redis: Redis, settings: Settings) -> Queue:
    return Queue(
        f"{settings.namespace}-{name}",
        connection=redis,
        serializer=JSONSerializer,
        job_class=KnownJob,
        default_timeout=settings.job_timeout_s,
    )


def run_job_id(run: str) -> str:
    return f"run-{run}"


def run_of(job_id: str) -> str | None:
    """The run whose job this is; None for another job of the queue "train"."""
    return job_id.removeprefix("run-") if job_id.startswith("run-") else None


def shard_job_id(generation: str, shard: int) -> str:
    return f"{SCORES}{generation}-{shard}"


def enqueue_run(
    queue: Queue,
    settings: Settings,
    run: str,
    options: dict[str, object],
    *,
    forced_by: str = "",
    review: bool = False,
    vouched: str = "",
) -> Job:
    """Put a run on the queue "train". `options` override the trainer's own settings; they are JSON.

    `forced_by`: who wants it promoted whatever the gate says. `review`: complete, it waits for a person to promote it.
    `vouched`: for options that only the trainer's own command may choose (trainer/run/vouching.py).
    """
    return queue.enqueue_call(
        TRAIN_JOB,
        args=(run, options, forced_by, review, *((vouched,) if vouched else ())),  # without: as older trainers take it
        job_id=run_job_id(run),
        result_ttl=RESULT_TTL_S,
        failure_ttl=settings.failure_ttl_s,
        retry=_retry(settings),
        description=f"run {run}",
        meta=_meta(),
    )


def diff_job_id(generation: str) -> str:
    return f"diff-{generation}"


def enqueue_diff(queue: Queue, settings: Settings, generation: str) -> Job:
    """Let the trainer do what follows when all lists of a generation are there: its audiences, and the comparison with the one before."""
    about = f"compare generation {generation} with the one before"
    return enqueue_about(queue, settings, DIFF_JOB, diff_job_id(generation), generation, about, retry=_retry(settings))


def enqueue_compare(queue: Queue, settings: Settings, generation: str) -> Job:
    """Let the trainer compare other models with the one of a generation that is served. It gives way to every other job."""
    about = f"compare other models with generation {generation}"
    return enqueue_about(queue, settings, COMPARE_JOB, f"compare-{generation}", generation, about)


def enqueue_about(
    queue: Queue,
    settings: Settings,
    job: str,
    job_id: str,
    generation: str,
    description: str,
    *,
    retry: Retry | None = None,
    at_front: bool = False,
) -> Job:
    """A job about a generation, whose result nobody asks for."""
    return queue.enqueue_call(
        job,
        args=(generation,),
        job_id=job_id,
        result_ttl=0,
        failure_ttl=settings.failure_ttl_s,
        retry=retry,
        description=description,
        at_front=at_front,
    )


def enqueue_erase(queue: Queue, settings: Settings, user_id: Id) -> Job:
    """Erase a user (trainer/erasure/erase.py). What it removed is the job's result, for as long as RESULT_TTL_S says."""
    return queue.enqueue_call(
        ERASE_JOB,
        args=(user_id,),
        job_id=f"erase-{secrets.token_hex(8)}",
        result_ttl=RESULT_TTL_S,
        failure_ttl=settings.failure_ttl_s,
        retry=_retry(settings),
        description="erase a user",  # RQ's own would show the id for as long as it keeps the job
    )


def heal_shard_id(generation: str, shard: int) -> str:
    return f"heal-{generation}-{shard}"


def enqueue_shards(queue: Queue, settings: Settings, generation: str, shards: Iterable[int], *, heals: bool = False) -> int:
    """Put one job per shard on the queue "score", in one round trip; how many. `heals`: before all others, to make lost lists again."""
    meta, what, id_of = _meta(), "make lost lists again of" if heals else "score", heal_shard_id if heals else shard_job_id
    jobs = [
        Queue.prepare_data(
            HEAL_SHARD_JOB if heals else SCORE_JOB,
            args=(generation, shard),
            timeout=settings.job_timeout_s,
            job_id=id_of(generation, shard),
            at_front=heals,
            result_ttl=0,
            failure_ttl=settings.failure_ttl_s,
            retry=_retry(settings),
            description=f"{what} shard {shard} of generation {generation}",
            meta=meta,
        )
        for shard in shards
    ]
    queue.enqueue_many(jobs)
    return len(jobs)


def _meta() -> dict[str, dict[str, str]] | None:
    """What a trace hangs on to, if there is one."""
    carrier = tracing.carrier()
    return {tracing.META: carrier} if carrier else None


def _retry(settings: Settings) -> Retry | None:
    return Retry(max=settings.job_retries) if settings.job_retries else None
