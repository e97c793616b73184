"""`python -m trainer serve`: an RQ worker on the queue "train" that sees to a first run and clears old generations away."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from rq import Queue

from contract.connections import connect
from contract.generations import Generations
from contract.jobs import enqueue_run, train_queue
from contract.keys import Keys
from contract.leases import LeasedWorker, worker_name
from contract.runs import Runs, new_run_id
from contract.settings import Settings
from trainer import jobs, sar
from trainer.retention import prune

log = logging.getLogger("larder.trainer")
PRUNE_EVERY_S = 30.0


def serve(settings: Settings) -> None:
    """Work until told to stop."""
    store = connect(settings.redis_url)
    queue = train_queue(connect(settings.rq_url, timeout_s=15), settings)
    keys = Keys(settings.namespace)
    generations, runs = Generations(store, keys), Runs(store, keys)
    sar.warm()
    if not any_promoted_or_coming(generations, queue):
        log.info("nothing is promoted: run %s is the first", start_run(queue, runs, settings, {}))

    def given_up(job_id: str, args: list[Any], reason: str) -> None:
        run = str(args[0]) if args else job_id
        jobs.given_up(runs, run, reason)
        generations.fail(run, reason)

    LeasedWorker(
        queue, settings, worker_name(f"{os.getpid()}.{time.time_ns()}"), given_up, _every(PRUNE_EVERY_S, generations, settings)
    ).work(logging_level=settings.log_level)


def start_run(queue: Queue, runs: Runs, settings: Settings, options: dict[str, object]) -> str:
    """Enqueue a run; its id."""
    run = new_run_id()
    runs.queued(run)
    enqueue_run(queue, settings, run, options)
    return run


def any_promoted_or_coming(generations: Generations, queue: Queue) -> bool:
    """Whether lists are served, or will be once what is queued and running has run."""
    if generations.current() is not None or queue.count or queue.started_job_registry.count:
        return True
    return any(generations.state(generation) == "scoring" for generation in generations.ids())


def _every(seconds: float, generations: Generations, settings: Settings) -> Any:
    last = 0.0

    def tick() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            if gone := prune(generations, settings):
                log.info("pruned: %s", ", ".join(gone))

    return tick
