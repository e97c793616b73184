"""Ending a run that is not wanted any more, wherever it is: queued, training, or dispatched to the workers."""

from __future__ import annotations

from contextlib import suppress

from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from contract.errors import GenerationError
from contract.formats.states import GenerationState, RunState
from contract.queue.jobs import run_job_id
from contract.store.generations import Generations
from contract.store.removal import give_up
from contract.store.runs import Runs


def cancel_run(runs: Runs, generations: Generations, trains: Queue, run: str, by: str) -> None:
    """Cancel `run`: it ends within a moment, its generation is failed, and nothing of it is promoted. Again: the same.

    First the run is marked, which its trainer looks at between and within stages and after it has begun the generation; so whoever
    comes second sees what the other did. Raises GenerationError for a run that is unknown, or over.
    """
    status = runs.get(run)
    if status is None:
        raise GenerationError(f"there is no run {run}")
    state = generations.state(run)
    if status.state == RunState.FAILED or (status.state == RunState.DISPATCHED and state != GenerationState.SCORING):
        raise GenerationError(_over(run, state or status.state))
    runs.cancel(run, by)
    _end_job(trains, run)
    give_up(generations, run, f"cancelled by {by}")
    if (state := generations.state(run)) not in ("", GenerationState.SCORING, GenerationState.FAILED):
        runs.restore(run)
        raise GenerationError(_over(run, state))


def _over(run: str, state: str) -> str:
    return f"run {run} is over, it is {state}: there is nothing to cancel"


def _end_job(trains: Queue, run: str) -> None:
    job = trains.fetch_job(run_job_id(run))
    if job is None:  # it trains in the process of a command, or its queue was emptied
        return
    with suppress(InvalidJobOperation, NoSuchJobError):  # it has just ended by itself, or was cancelled before
        if job.get_status() == JobStatus.STARTED:
            send_stop_job_command(trains.connection, job.id, serializer=JSONSerializer)
        else:
            job.cancel()
