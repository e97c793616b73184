"""`python -m trainer serve`: an RQ worker on the queue "train" that sees to a first run, to the schedule and to what is left behind."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from contract.larder import Larder
from contract.queue.leases import LeasedWorker, worker_name
from contract.settings.settings import Settings
from contract.store.connections import DISK_FAILS, says_disk
from contract.telemetry import level
from engine.fit import rows as sar
from trainer.service.keeping import Keeping

log = logging.getLogger("larder.trainer")
DISK_PAUSE_S = 5.0


def while_writes_are_refused(serve: Callable[[], None]) -> None:
    """`serve`, begun again each few seconds while Redis can't write to its disk, where RQ's worker ends: what starts the service would
    give it up for good."""
    while True:
        try:
            return serve()
        except RedisError as error:
            if not says_disk(error):
                raise
            log.error("the trainer waits: Redis refuses writes, since %s (%s)", DISK_FAILS, error)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # in place of that of RQ's worker, which has ended
        time.sleep(DISK_PAUSE_S)


def serve(settings: Settings) -> None:
    """Work until told to stop."""
    larder = Larder(settings, waits_for_jobs=True)
    keeping = Keeping(larder)

    def beat() -> None:
        level.follow(larder.store, larder.keys, settings)
        keeping.beat()

    try:
        keeping.announce()
        warm(settings)
        keeping.first_run()
        worker = LeasedWorker(
            *(larder.train_queue, settings, worker_name(f"{os.getpid()}.{time.time_ns()}"), keeping.given_up),
            on_idle=keeping.idle,
            on_beat=beat,
            service="larder-trainer",
        )
        worker.work(logging_level=settings.log_level)
    finally:
        keeping.close()


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
