"""`python -m trainer serve`: an RQ worker on the queue "train" that sees to a first run, to the schedule and to what is left behind."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError
from rq import Queue

from contract.artifacts.artifact import IMPRESSIONS_FOLDER, folder_of
from contract.artifacts.object_store import is_remote
from contract.errors import LarderError
from contract.formats.states import GONE, GenerationState
from contract.larder import Larder
from contract.queue.jobs import run_of
from contract.queue.leases import LeasedWorker, worker_name
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.removal import give_up
from contract.store.runs import kind_of
from contract.telemetry import level
from engine.fit import rows as sar
from trainer import jobs
from trainer.service.abandoned import see_to_abandoned
from trainer.service.beside import Beside
from trainer.service.canary import Canary
from trainer.service.comparing import Comparing
from trainer.service.guarding import Guarding
from trainer.service.healing import Healing
from trainer.service.lost_runs import LostRuns
from trainer.service.remote_retention import RemoteRetention
from trainer.service.retention import prune
from trainer.service.schedule import Schedule
from trainer.service.start_run import start_run
from trainer.service.strangers import warn_of_strangers

log = logging.getLogger("larder.trainer")
TIDY_EVERY_S = 30.0
COMPARE_EVERY_S = 5.0
OUTCOMES_EVERY_S = 600.0


def serve(settings: Settings) -> None:
    """Work until told to stop."""
    larder = Larder(settings, waits_for_jobs=True)
    queue, generations, runs = larder.train_queue, larder.generations, larder.runs
    schedule, comparing, healing = Schedule(settings, larder.store, larder.queue_redis), Comparing(larder), Healing(larder)
    lost_runs, guarding, canary = LostRuns(larder), Guarding(larder), Canary(larder)
    remote = RemoteRetention() if is_remote(settings.artifacts) else None
    larder.erasure.announce()
    warn_of_strangers(larder)
    beside = (
        Beside("trainer.events", "writes events and impressions", is_wanted=_writes(settings)),
        Beside("trainer.feeds", "reads events from streams of your own", is_wanted=bool(settings.feeds)),
        Beside("trainer.outcomes", "counts outcomes", is_wanted=settings.impressions > 0, every_s=OUTCOMES_EVERY_S),
        Beside("trainer.notices", "tells what became of runs", is_wanted=bool(settings.notices)),
    )
    for process in beside:
        process.see_to()
    warm(settings)
    if not any_promoted_or_coming(generations, queue):
        log.info("nothing is promoted: run %s is the first", start_run(queue, runs, settings, {}))

    def given_up(job_id: str, _args: list[Any], reason: str) -> None:
        if (run := run_of(job_id)) is None:
            log.error("%s is given up: %s", job_id, reason)
            return
        jobs.given_up(runs, run, reason)
        give_up(generations, run, f"its run failed: {kind_of(reason)}".rstrip(": "))  # the run says why, to who may know

    def tidy() -> None:
        if gone := prune(generations, runs, settings, artifacts=remote is None):
            log.info("pruned: %s", ", ".join(gone))
        if remote is not None:
            remote.tick({name for name in generations.ids() if generations.state(name) in GONE})
        for run, is_queued in lost_runs.tick():
            log.warning("run %s had lost its job: %s", run, "it is enqueued again" if is_queued else "it has failed")
        for left in see_to_abandoned(generations, queue, larder.score_queue, settings):
            if left.enqueued:
                log.warning("generation %s had lost jobs: %d shard(s) are enqueued again", left.generation, left.enqueued)
            else:
                log.error("generation %s is given up: jobs of its missing shards were lost again and again", left.generation)

    idle = (
        _every(TIDY_EVERY_S, _tried("can't tidy up", tidy)),
        _every(COMPARE_EVERY_S, _tried("can't compare other models", comparing.tick)),
    )
    watching = (
        _tried("lists can't be counted", healing.tick),
        _tried("the experiment is not watched", guarding.tick),
        _tried("answers of the experiment's arms are not watched", canary.tick),
    )

    def when_idle() -> None:
        for do in idle:
            do()

    def beat() -> None:
        level.follow(larder.store, larder.keys, settings)
        schedule.tick()
        for watch in watching:
            watch()
        for process in beside:
            process.see_to()

    worker = LeasedWorker(
        *(queue, settings, worker_name(f"{os.getpid()}.{time.time_ns()}"), given_up),
        on_idle=when_idle,
        on_beat=beat,
        service="larder-trainer",
    )
    worker.work(logging_level=settings.log_level)


def _writes(settings: Settings) -> bool:
    """Whether there is anything to write, or to delete in its time, of what people did and were shown."""
    return settings.events or settings.impressions > 0 or (folder_of(settings.artifacts) / IMPRESSIONS_FOLDER).is_dir()


def warm(settings: Settings) -> None:
    """Import and compile what the forks need, so that no run begins with it."""
    sar.warm()
    if settings.source.incremental or settings.source.since_column:
        from trainer.sources.warm import warm as warm_reading

        warm_reading()
    if settings.evaluate:
        from engine.score.warm import warm_scoring
        from trainer.evaluation import holdout  # noqa: F401  (recommenders and pandas take some seconds)

        warm_scoring()


def any_promoted_or_coming(generations: Generations, queue: Queue) -> bool:
    """Whether lists are served, or will be once what is queued and running has run."""
    if generations.current() is not None or queue.count or queue.started_job_registry.count:
        return True
    return any(generations.state(generation) == GenerationState.SCORING for generation in generations.ids())


def _tried(fails: str, do: Callable[[], object]) -> Callable[[], None]:
    """`do`, whose errors of Redis and of ours are told, and end nothing: its time comes again."""

    def attempt() -> None:
        try:
            do()
        except (RedisError, LarderError) as error:
            log.warning("%s: %s", fails, error)

    return attempt


def _every(seconds: float, do: Callable[[], None]) -> Callable[[], None]:
    last = 0.0

    def tick() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            do()

    return tick
