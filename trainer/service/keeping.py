"""What the trainer service sees to for one catalogue: a first run, the schedule, what is left behind, processes beside it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from redis.exceptions import RedisError
from rq import Queue

from contract.artifacts.artifact import IMPRESSIONS_FOLDER, folder_of
from contract.artifacts.object_store import is_remote
from contract.errors import LarderError, SettingsError
from contract.formats.states import GONE, GenerationState
from contract.larder import Larder
from contract.queue.jobs import run_of
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.removal import give_up
from contract.store.runs import kind_of
from trainer import jobs
from trainer.service.abandoned import see_to_abandoned
from trainer.service.canary import Canary
from trainer.service.comparing import Comparing
from trainer.service.emptied import Emptied
from trainer.service.guarding import Guarding
from trainer.service.healing import Healing
from trainer.service.lost_runs import LostRuns
from trainer.service.remote_retention import RemoteRetention
from trainer.service.retention import prune
from trainer.service.schedule import Schedule
from trainer.service.sidecar import Sidecar
from trainer.service.start_run import start_run
from trainer.service.strangers import warn_of_strangers

log = logging.getLogger("larder.trainer")
TIDY_EVERY_S = 30.0
COMPARE_EVERY_S = 5.0
OUTCOMES_EVERY_S = 600.0


class Keeping:
    def __init__(self, larder: Larder, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: of the processes beside the service; None: the service's own."""
        settings = larder.settings
        self._larder = larder
        self._lost_runs = LostRuns(larder)
        self._remote = RemoteRetention(environ=environ) if is_remote(settings.artifacts) else None
        self._schedule = Schedule(settings, larder.store, larder.queue_redis)
        self._idle = (
            _every(TIDY_EVERY_S, _tried("can't tidy up", self._tidy)),
            _tried("can't look whether anything is there", Emptied(larder).tick),
            _every(COMPARE_EVERY_S, _tried("can't compare other models", Comparing(larder).tick)),
        )
        self._watching = (
            _tried("lists can't be counted", Healing(larder).tick),
            _tried("the experiment is not watched", Guarding(larder, environ=environ).tick),
            _tried("answers of the experiment's arms are not watched", Canary(larder).tick),
        )
        self._sidecars = (
            Sidecar("trainer.events", "writes events and impressions", is_wanted=_writes(settings), environ=environ),
            Sidecar("trainer.feeds", "reads events from streams of your own", is_wanted=bool(settings.feeds), environ=environ),
            Sidecar(
                *("trainer.outcomes", "counts outcomes"), is_wanted=settings.impressions > 0, every_s=OUTCOMES_EVERY_S, environ=environ
            ),
            Sidecar("trainer.notices", "tells what became of runs", is_wanted=bool(settings.notices), environ=environ),
        )

    def announce(self) -> None:
        """What comes first, before anything is compiled."""
        self._larder.erasure.announce()
        try:
            self._larder.erasure.revision()
        except SettingsError as error:
            log.error("%s: until then no run succeeds, and lost lists are not made again", error)
        warn_of_strangers(self._larder)
        for process in self._sidecars:
            process.see_to()

    def first_run(self) -> None:
        """Start one where nothing is promoted, or will be."""
        larder = self._larder
        if not any_promoted_or_coming(larder.generations, larder.train_queue):
            log.info("nothing is promoted: run %s is the first", start_run(larder.train_queue, larder.runs, larder.settings, {}))

    def given_up(self, job_id: str, _args: list[Any], reason: str) -> None:
        """A job on the queue "train" has no retry left."""
        if (run := run_of(job_id)) is None:
            log.error("%s is given up: %s", job_id, reason)
            return
        jobs.given_up(self._larder.runs, run, reason)
        # The run says why, to who may know.
        give_up(self._larder.generations, run, f"its run failed: {kind_of(reason)}".rstrip(": "))

    def idle(self) -> None:
        """While no job is in hand."""
        for do in self._idle:
            do()

    def beat(self) -> None:
        """Every few seconds, idle or not."""
        self._schedule.tick()
        for watch in self._watching:
            watch()
        for process in self._sidecars:
            process.see_to()

    def close(self) -> None:
        for process in self._sidecars:
            process.close()

    def _tidy(self) -> None:
        larder, settings, generations = self._larder, self._larder.settings, self._larder.generations
        if gone := prune(generations, larder.runs, settings, artifacts=self._remote is None):
            log.info("pruned: %s", ", ".join(gone))
        if self._remote is not None:
            self._remote.tick({name for name in generations.ids() if generations.state(name) in GONE})
        for run, is_queued in self._lost_runs.tick():
            log.warning("run %s had lost its job: %s", run, "it is enqueued again" if is_queued else "it has failed")
        for left in see_to_abandoned(generations, larder.train_queue, larder.score_queue, settings):
            if left.enqueued:
                log.warning("generation %s had lost jobs: %d shard(s) are enqueued again", left.generation, left.enqueued)
            else:
                log.error("generation %s is given up: jobs of its missing shards were lost again and again", left.generation)


def _writes(settings: Settings) -> bool:
    """Whether there is anything to write, or to delete in its time, of what people did and were shown."""
    return settings.events or settings.impressions > 0 or (folder_of(settings.artifacts) / IMPRESSIONS_FOLDER).is_dir()


def any_promoted_or_coming(generations: Generations, queue: Queue) -> bool:
    """Whether lists are served, or will be once what is queued and running has run."""
    if generations.current() is not None or queue.count or queue.started_job_registry.count:
        return True
    return any(generations.state(generation) == GenerationState.SCORING for generation in generations.ids())


def _tried(fails: str, do: Callable[[], object]) -> Callable[[], None]:
    """`do`, whose errors of Redis, of files and of ours are told, and end nothing: its time comes again."""

    def attempt() -> None:
        try:
            do()
        except (RedisError, LarderError, OSError) as error:
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
