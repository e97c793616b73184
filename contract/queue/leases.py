"""An RQ worker whose dead are noticed in seconds.

RQ counts a job as abandoned when its execution has not been renewed for the monitoring interval plus a fixed 60 s, and looks
every ten minutes. Here a work-horse renews a lease of a few seconds from a thread of its own; idle workers look for executions
without one, expire them, and let RQ's own clean-up retry or fail the job. A job that is taken over while its process only
slept runs twice, which every job of Larder allows.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text, now
from rq.worker_registration import get_keys, register

from contract.errors import LarderError, name_of
from contract.formats.keys import Keys
from contract.machine import die_with_parent
from contract.queue.known_jobs import KnownJob
from contract.queue.takeover import put_back_undelivered, take_over_dead
from contract.settings.settings import Settings
from contract.telemetry import tracing
from contract.telemetry.logs import working_on

log = logging.getLogger("larder.jobs")
POLL_S = 2  # how long an idle worker waits on its queue before it looks around
RQ_MAINTENANCE_S = 60


class LeasedWorker(Worker):
    """RQ's worker with leases. `on_given_up(job id, args, reason)` is called for a job that has no retry left.

    `on_idle` is called every POLL_S while there is no job; `on_beat` then, too, and every few seconds of a job.
    `service`: what traces call this worker.
    """

    def __init__(
        self,
        queue: Queue,
        settings: Settings,
        name: str,
        on_given_up: Callable[[str, list[Any], str], None],
        on_idle: Callable[[], object] | None = None,
        on_beat: Callable[[], object] | None = None,
        service: str = "larder",
    ) -> None:
        self._settings, self._service, self._keys = settings, service, Keys(settings.namespace)
        self._lease_ms = int(settings.lease_s * 1000)
        self._on_given_up = on_given_up
        self._on_idle, self._on_beat = on_idle, on_beat
        self._ticks = 0
        super().__init__(
            [queue],
            name=name,
            connection=queue.connection,
            serializer=JSONSerializer,
            job_class=KnownJob,
            worker_ttl=15 + POLL_S,  # RQ waits worker_ttl - 15 s on an empty queue
            job_monitoring_interval=5,
            maintenance_interval=POLL_S,
            exception_handlers=[self._give_up],
            work_horse_killed_handler=self._horse_killed,
        )

    def run_maintenance_tasks(self) -> None:
        self.stay_known()
        self.see_to_dead()
        for look in (self._on_beat, self._on_idle):
            if look is not None:
                look()
        if self._ticks % (RQ_MAINTENANCE_S // POLL_S) == 0:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        self._ticks += 1
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def stay_known(self) -> None:
        """Enter this worker again where Redis has lost its entry: RQ's signs of life make none, and nobody would count it."""
        if self.birth_date is None or self.connection.sismember(self.redis_workers_keys, self.key):
            return
        with self.connection.pipeline() as pipe:
            pipe.hset(self.key, mapping=self.serialize())
            register(self, pipe)
            pipe.expire(self.key, self.worker_ttl + 60)
            pipe.execute()
        log.warning("Redis had lost the entry of this worker: it is entered again")

    def see_to_dead(self) -> None:
        """Jobs that others left behind are done again."""
        take_over_dead(self.queues[0], self._keys, self._lease_ms, [self._give_up])
        put_back_undelivered(self.queues[0], self._keys, self._lease_ms)

    def keys_of(self, _queue: Queue) -> Keys:
        """Where leases of a queue's jobs stand."""
        return self._keys

    def given_up(self, job: Job, reason: str) -> None:
        """A job has no retry left."""
        self._on_given_up(job.id, list(job.args or ()), reason)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        try:
            super().maintain_heartbeats(job, execution)
            self.stay_known()
        except RedisError as error:  # the job goes on, and the next beat tries again
            log.warning("no sign of life of %s can be given: %s", job.id, error)
        if self._on_beat is not None:
            self._on_beat()

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent()
        with lease(self.connection, self.keys_of(queue).lease(job.id), self._lease_ms):
            super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        name, carrier = (job.func_name or "").rpartition(".")[2], job.meta.get(tracing.META, {})
        with working_on(job=job.id), tracing.traced(self._settings, self._service, name, carrier, job=job.id):
            return super().perform_job(job, queue, execution)

    def _horse_killed(self, job: Job, _pid: int, _status: int, _usage: object) -> None:
        self._give_up(job, None, RuntimeError("its process was killed (out of memory?)"), None)

    def _give_up(self, job: Job, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> bool:
        if isinstance(error, LarderError) and not error.transient:
            job.retries_left = 0  # it would only fail again; RQ reads this after its handlers
        if isinstance(job, KnownJob) and (reason := job.refusal()):
            job.retries_left = 0
            log.error("%s of the queue %s is not carried out: %s", job.id, job.origin, reason)
        elif not job.retries_left:
            self.given_up(job, f"{name_of(error)}: {error}" if str(error) else name_of(error))
        return True


def n_alive_here(queue: Queue) -> int:
    """How many RQ workers of this host listen on `queue` and have shown life within their time to live."""
    prefix = f"{Worker.redis_worker_namespace_prefix}{worker_name('')}"
    keys = [as_text(cast(bytes, key)) for key in get_keys(queue=queue)]
    return sum(1 for key in keys if key.startswith(prefix) and queue.connection.exists(key))


def worker_name(suffix: str) -> str:
    """A name that tells the host: what `n_alive_here` counts."""
    return f"{socket.gethostname()}.{suffix}"


@contextmanager
def lease(redis: Redis, key: str, lease_ms: int) -> Iterator[None]:
    """Hold `key` while the block runs, renewed by a thread three times per lease; it lapses by itself if the process dies."""
    stop = threading.Event()

    def renew() -> None:
        while True:
            with suppress(RedisError):  # away for a moment: the next renewal tries again, and a lapsed lease only costs a twin
                redis.set(key, "alive", px=lease_ms)
            if stop.wait(lease_ms / 3000):
                return

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        redis.delete(key)
