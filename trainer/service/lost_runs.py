"""Runs whose job is nowhere, after a failover of the queue's Redis or because it was emptied: enqueued again, or said to have failed."""

from __future__ import annotations

import json

from contract.formats.states import GOING, RunState
from contract.larder import Larder
from contract.queue.healing import is_alive
from contract.queue.jobs import enqueue_run, run_job_id
from contract.store.training_right import who_trains

LOOKED_AT = 20  # of the newest runs
TIMES = 3
LOST = "StoreError: its job was lost with the queue"


class LostRuns:
    """Remembers what was missing at the look before: a job that ends just now is nowhere for a moment."""

    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._missed: set[str] = set()
        self._times: dict[str, int] = {}

    def tick(self) -> list[tuple[str, bool]]:
        """Runs that had no job at this look and the one before, and whether each is queued again; else it has failed."""
        runs, queue = self._larder.runs, self._larder.train_queue
        going = [status.run for status in runs.newest(LOOKED_AT) if status.state in GOING]
        orders = {run: order for run in going if (order := runs.order(run)) is not None}
        trains = who_trains(self._larder.store, self._larder.keys)
        missing = {run: order for run, order in orders.items() if run != trains and not is_alive(queue, run_job_id(run))}
        lost = {run: order for run, order in missing.items() if run in self._missed}
        self._missed = missing.keys() - lost.keys()
        return [(run, self._again(run, order)) for run, order in lost.items()]

    def _again(self, run: str, order: str) -> bool:
        larder = self._larder
        self._times[run] = self._times.get(run, 0) + 1
        if not order or self._times[run] > TIMES:
            why = f"{self._times[run] - 1} times" if order else "and its options with it: start it again"
            larder.runs.set(run, RunState.FAILED, message=f"{LOST}{' ' if order else ', '}{why}")
            return False
        given = json.loads(order)
        larder.runs.set(run, RunState.QUEUED)
        enqueue_run(larder.train_queue, larder.settings, run, {}, forced_by=given["forced_by"], review=given["review"])
        return True
