"""Runs at set times: RQ's cron scheduler in a process of its own, whose job is a run of Larder."""

from __future__ import annotations

import logging
import multiprocessing
import time
from datetime import datetime
from multiprocessing.process import BaseProcess

from redis import Redis
from redis.exceptions import RedisError
from rq.cron import CronJob, CronScheduler

from contract.formats.keys import Keys
from contract.queue.jobs import train_queue
from contract.queue.leases import die_with_parent
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.runs import Runs
from contract.store.training_right import who_trains
from trainer.service.start_run import start_run

log = logging.getLogger("larder.schedule")
MINUTE_TTL_S = 7200
RETRY_S = 1.0


class Schedule:
    """The scheduler's process, which dies with this one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: BaseProcess | None = None

    def keep_running(self) -> None:
        """Start it, if LARDER_CRON is set and it does not run."""
        if self._settings.cron and (self._process is None or not self._process.is_alive()):
            self._process = multiprocessing.get_context("fork").Process(target=_schedule, args=(self._settings,), daemon=True)
            self._process.start()


def next_run(settings: Settings) -> datetime | None:
    """When the next run is due, in local time, as cron fields are; None when there is no schedule."""
    due = ScheduledRun(settings).next_enqueue_time if settings.cron else None
    return due.astimezone() if due else None


class ScheduledRun(CronJob):
    """A cron job of RQ that starts a run, in place of a pickled call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__(f"{settings.namespace}-train", func_name="trainer.jobs.run", cron=settings.cron)

    def enqueue(self, connection: Redis) -> None:  # type: ignore[override]  # RQ drops the job that its own gives
        start_scheduled(self._settings, connect(self._settings.redis_url), connection, f"{self.next_enqueue_time:%Y%m%d%H%M}")


def start_scheduled(settings: Settings, store: Redis, queue_redis: Redis, minute: str) -> str | None:
    """Start the run that is due at `minute`; its id. None when another trainer has, or while a run is still going."""
    keys = Keys(settings.namespace)
    if not store.set(keys.scheduled(minute), "taken", nx=True, ex=MINUTE_TTL_S):
        return None
    queue, generations = train_queue(queue_redis, settings), Generations(store, keys)
    going = who_trains(store, keys) or next((name for name in generations.ids() if generations.state(name) == "scoring"), "")
    if going or queue.count:
        log.warning("no run is started at %s: %s is still going", minute, going or "one that is queued")
        return None
    run = start_run(queue, Runs(store, keys), settings, {})
    log.info("run %s is started, by the schedule %s", run, settings.cron)
    return run


def _schedule(settings: Settings) -> None:
    die_with_parent()
    job = ScheduledRun(settings)  # kept, so that what falls due while Redis is away is started when it is back
    while True:
        scheduler = CronScheduler(connect(settings.rq_url, timeout_s=15), logging_level=settings.log_level)
        scheduler.get_jobs().append(job)
        try:
            scheduler.start()  # type: ignore[no-untyped-call]
            return  # it was told to stop
        except RedisError as error:
            log.warning("the schedule waits for Redis: %s", error)
            time.sleep(RETRY_S)
