"""Jobs whose process has died: noticed by the lease that is not renewed, and put back on their queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from redis import Redis
from rq import Queue
from rq.utils import as_text

from contract.formats.keys import Keys


def take_over_dead(queue: Queue, keys: Keys, lease_ms: int, handlers: list[Callable[..., Any]]) -> int:
    """Put back jobs whose executions have no lease; how many. `handlers` are told of each, as by RQ's own clean-up."""
    redis, registry = queue.connection, queue.started_job_registry
    dead = 0
    for raw in redis.zrange(registry.key, 0, -1):
        execution = as_text(cast(bytes, raw))
        job_id = execution.partition(":")[0]
        if redis.exists(keys.lease(job_id)):
            continue
        if _seen_unchanged(redis, keys.takeover(execution.replace(":", "-")), lease_ms):
            redis.zadd(registry.key, {execution: 1}, xx=True)
            dead += 1
    if dead:
        registry.cleanup(exception_handlers=handlers)
    return dead


def _seen_unchanged(redis: Redis, mark: str, lease_ms: int) -> bool:
    """Whether `mark` was first looked at a third of a lease ago or more; True for one worker at a time.

    The first look only marks: a job that has just been taken has no lease yet.
    """
    if redis.set(mark, "seen", nx=True, px=20 * lease_ms) or redis.pttl(mark) > 20 * lease_ms - lease_ms // 3:
        return False
    return bool(redis.set(f"{mark}-taken", "taken", nx=True, px=lease_ms))


def put_back_undelivered(queue: Queue, keys: Keys, lease_ms: int) -> int:
    """Queue again the jobs that a worker took and then died before it registered their execution; how many.

    RQ moves a job to an intermediate list first, and leaves it there for one to two minutes. Here two looks are enough. It is no
    failure and costs no retry.
    """
    redis, waiting = queue.connection, queue.intermediate_queue
    put_back = 0
    for job_id in waiting.get_job_ids():
        mark = keys.takeover(f"undelivered-{job_id}")
        if redis.exists(keys.lease(job_id)) or job_id in queue.started_job_registry:
            redis.delete(mark)
            continue
        if _seen_unchanged(redis, mark, lease_ms):
            with redis.pipeline(transaction=True) as pipe:
                pipe.lrem(waiting.key, 1, job_id)
                queue.push_job_id(job_id, pipeline=pipe, at_front=True)
                pipe.delete(mark)
                pipe.execute()
            put_back += 1
    return put_back
