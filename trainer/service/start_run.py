"""Starting a run: its id, what people see of it, and its job."""

from __future__ import annotations

from rq import Queue

from contract.queue.enter_run import enter_and_enqueue, order_of
from contract.queue.jobs import enqueue_run
from contract.settings.settings import Settings
from contract.store.runs import Runs, new_run_id
from trainer.run.vouching import vouch


def start_run(
    queue: Queue, runs: Runs, settings: Settings, options: dict[str, object], *, forced_by: str = "", review: bool = False
) -> str:
    """Enqueue a run; its id. `forced_by`, `review`: contract.queue.jobs.enqueue_run."""
    run = new_run_id()
    vouched = vouch(settings, run, options) if options else ""

    def enqueue() -> None:
        enqueue_run(queue, settings, run, options, forced_by=forced_by, review=review, vouched=vouched)

    enter_and_enqueue(run, lambda do: do(runs), enqueue, order_of(options, forced_by, review))
    return run
