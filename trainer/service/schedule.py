"""Runs at set times: the trainer looks every few seconds, idle or not, whether one is due."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from croniter import croniter
from redis import Redis
from redis.exceptions import RedisError

from contract.formats.keys import Keys
from contract.formats.states import GenerationState
from contract.queue.jobs import train_queue
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.runs import Runs
from contract.store.training_right import who_trains
from trainer.service.start_run import start_run

log = logging.getLogger("larder.schedule")
MINUTE_TTL_S = 7200
CLOCK_BACK = timedelta(minutes=1)
DUE_TTL = timedelta(days=1)  # of a time that has passed: a trainer that is away for so long has other things said of it


def next_run(settings: Settings, after: datetime | None = None) -> datetime | None:
    """When the next run is due after `after` (default: now), in local time, as cron fields are; None when there is no schedule."""
    if not settings.cron:
        return None
    base = after or datetime.now(UTC)
    local = croniter(settings.cron, base.astimezone().replace(tzinfo=None))
    while True:
        # An hour that a change of the clock repeats counts once, the first time. By timestamp(): astimezone() of a skipped hour
        # differs between versions of Python.
        due = datetime.fromtimestamp(local.get_next(datetime).timestamp(), UTC)
        if due > base:
            return due.astimezone()


class Schedule:
    """When the next run is due, and whether it has been started."""

    def __init__(self, settings: Settings, store: Redis, queue_redis: Redis, now: datetime | None = None) -> None:
        self._settings, self._store, self._queue_redis = settings, store, queue_redis
        self._seen = now or datetime.now(UTC)
        self._due = next_run(settings, self._seen)
        self._is_told: tuple[datetime | None, int] | None = None  # when, in which minute: said anew each minute, since Redis may forget

    def tick(self, now: datetime | None = None) -> str | None:
        """Start the run that is due; its id. What falls due while Redis is away is started when it is back, once."""
        now = now or datetime.now(UTC)
        if now < self._seen - CLOCK_BACK:  # what fell due while it was ahead was taken; what it skips by going back would be lost
            log.warning("the clock went back from %s to %s: the schedule begins again from now", self._seen, now)
            self._due = next_run(self._settings, now)
        self._seen = now
        self._tell(now)
        if self._due is None or now < self._due:
            return None
        try:
            run = start_scheduled(self._settings, self._store, self._queue_redis, f"{self._due.astimezone(UTC):%Y%m%d%H%M}")
        except RedisError as error:
            log.warning("the schedule waits for Redis: %s", error)
            return None
        self._due = next_run(self._settings, now)
        self._tell(now)
        return run

    def _tell(self, now: datetime) -> None:
        """Say when the next run is due, for the pages: the API knows no schedule."""
        telling = self._due, int(now.timestamp() // 60)
        if self._is_told == telling:
            return
        key = Keys(self._settings.namespace).due
        try:
            if self._due is None:
                self._store.delete(key)
            else:
                self._store.set(key, round(self._due.timestamp() * 1000), ex=max(self._due - now, timedelta()) + DUE_TTL)
        except RedisError as error:
            log.debug("when the next run is due can't be told: %s", error)
            return
        self._is_told = telling


def start_scheduled(settings: Settings, store: Redis, queue_redis: Redis, minute: str) -> str | None:
    """Start the run that is due at `minute`; its id. None when another trainer has, or while a run is still going."""
    keys = Keys(settings.namespace)
    queue, generations = train_queue(queue_redis, settings), Generations(store, keys)
    n_queued = queue.count  # before the minute is taken: so that it is not, while the queue's Redis is away
    if not store.set(keys.scheduled(minute), "taken", nx=True, ex=MINUTE_TTL_S):
        return None
    going = who_trains(store, keys) or next((name for name in generations.ids() if generations.state(name) == GenerationState.SCORING), "")
    if going or n_queued:
        log.warning("no run is started at %s: %s is still going", minute, going or "one that is queued")
        return None
    run = start_run(queue, Runs(store, keys), settings, {})
    log.info("run %s is started, by the schedule %s", run, settings.cron)
    return run
