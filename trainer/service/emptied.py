"""Notices that Redis has lost all that a namespace held, by FLUSHALL or without its files, and lets what was served be made again.

Nothing is trained: users who were erased would come back with that. A service that has seen nothing served yet, or where the artifact is
gone, begins a run, as it does at its start.
"""

from __future__ import annotations

import logging
import time

from contract.larder import Larder
from contract.queue.healing import enqueue_publishing, is_alive, publishing_job_id
from trainer.service.start_run import start_run

log = logging.getLogger("larder.trainer")
EVERY_S = 2.0


class Emptied:
    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._served = ""
        self._is_asked = False
        self._again = 0.0

    def tick(self) -> None:
        """To be called while no job is in hand: a job would not be seen, its entry being gone with all else."""
        if time.monotonic() < self._again:
            return
        larder, self._again = self._larder, time.monotonic() + EVERY_S
        if pointer := larder.generations.current():
            self._served, self._is_asked = pointer.generation, False
            return
        if larder.generations.ids() or larder.runs.latest() or larder.train_queue.count:
            return  # a run or a restoration is on its way, or people have to look at a run that failed
        if self._is_asked and is_alive(larder.train_queue, publishing_job_id(self._served)):
            return  # another trainer is at it
        if self._is_asked or not self._served:
            run = start_run(larder.train_queue, larder.runs, larder.settings, {})
            why = f"generation {self._served} can't be made again from its artifact" if self._served else "nothing was served"
            log.error("Redis has lost all that it held of %r, and %s: run %s trains anew", larder.keys.namespace, why, run)
            self._served, self._is_asked = "", False
            return
        self._is_asked = True
        larder.erasure.announce()
        enqueue_publishing(larder.train_queue, larder.settings, self._served)
        log.error(
            "Redis has lost all that it held of %r: generation %s, which was served, is made again from its artifact; "
            "the runbook (nothing-promoted) says how to restore a backup in its place",
            *(larder.keys.namespace, self._served),
        )
