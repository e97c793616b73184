"""`python -m trainer serve`: an RQ worker on the queue "train" that sees to a first run, to the schedule and to what is left behind."""

from __future__ import annotations

import os
import time

from contract.larder import Larder
from contract.queue.leases import LeasedWorker, worker_name
from contract.settings.settings import Settings
from contract.telemetry import level
from engine.fit import rows as sar
from trainer.service.keeping import Keeping


def serve(settings: Settings) -> None:
    """Work until told to stop."""
    larder = Larder(settings, waits_for_jobs=True)
    keeping = Keeping(larder)
    keeping.announce()
    warm(settings)
    keeping.first_run()

    def beat() -> None:
        level.follow(larder.store, larder.keys, settings)
        keeping.beat()

    worker = LeasedWorker(
        *(larder.train_queue, settings, worker_name(f"{os.getpid()}.{time.time_ns()}"), keeping.given_up),
        on_idle=keeping.idle,
        on_beat=beat,
        service="larder-trainer",
    )
    worker.work(logging_level=settings.log_level)


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
