"""Workers and jobs, from RQ's own keys: RQ takes longer to load than the rest of the API, so nothing of it is imported.

rq:workers:QUEUE   set    keys of the workers that listen on the queue
rq:worker:NAME     hash   what one does; expires when the worker shows no life
rq:queue:QUEUE     list   jobs that wait;  rq:wip:QUEUE  zset  that run;  rq:failed:QUEUE  zset  that were given up
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis

from contract.queue.names import QUEUES

_FIELDS = ("hostname", "pid", "state", "current_job", "last_heartbeat", "successful_job_count", "failed_job_count")


@dataclass(frozen=True, slots=True)
class Worker:
    name: str
    queue: str
    place: str
    state: str
    job: str
    seen_s: float | None
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    waiting: int
    running: int
    failed: int
    workers: tuple[Worker, ...]


def read_queues(redis: Redis, namespace: str, now: datetime) -> tuple[Queue, ...]:
    """Both queues, in two round trips. `now` knows its time zone."""
    names = [f"{namespace}-{queue}" for queue in QUEUES]
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.llen(f"rq:queue:{name}")
            pipe.zcard(f"rq:wip:{name}")
            pipe.zcard(f"rq:failed:{name}")
            pipe.smembers(f"rq:workers:{name}")
        answers = iter(pipe.execute())
    counts = [(next(answers), next(answers), next(answers), sorted(next(answers))) for _ in names]
    with redis.pipeline(transaction=False) as pipe:
        for *_, members in counts:
            for member in members:
                pipe.hmget(member.decode(), _FIELDS)
        found = iter(pipe.execute())
    return tuple(
        Queue(queue, waiting, running, failed, tuple(_workers(queue, members, found, now)))
        for queue, (waiting, running, failed, members) in zip(QUEUES, counts, strict=True)
    )


def _workers(queue: str, members: list[bytes], found: Iterator[list[bytes | None]], now: datetime) -> list[Worker]:
    workers = []
    for member in members:
        values = next(found)
        if not any(values):
            continue  # it has shown no life for so long that its key is gone
        host, pid, state, job, beat, done, failed = (value.decode() if value else "" for value in values)
        seen = _time(beat)
        workers.append(
            Worker(
                name=member.decode().removeprefix("rq:worker:"),
                queue=queue,
                place=f"{host}, process {pid}",
                state=state or "unknown",
                job=job,
                seen_s=max(0.0, (now - seen).total_seconds()) if seen else None,
                done=int(done or 0),
                failed=int(failed or 0),
            )
        )
    return workers


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
