"""Shows a run as it goes: one progress bar per stage, from the queue to promotion."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from contract.errors import GenerationError, GenerationFailedError
from contract.generations import Generations
from contract.runs import STAGES, Runs

POLL_S = 0.1
LABELS = {
    "load": "load interactions",
    "fit": "fit similarities",
    "write": "write artifact",
    "dispatch": "enqueue shards",
    "score": "score users",
}


def follow(run: str, runs: Runs, generations: Generations, console: Console, timeout_s: float) -> str:
    """Show `run` until its generation is promoted or settled otherwise; the final state. Raises GenerationFailedError with the reason."""
    columns = (SpinnerColumn(), TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + timeout_s
    with Progress(*columns, console=console) as progress:
        tasks = {stage: progress.add_task(label, total=1, start=False) for stage, label in LABELS.items()}
        while True:
            state = _show(run, runs, generations, progress, tasks)
            if state:
                return state
            if time.monotonic() > deadline:
                raise GenerationError(
                    f"run {run} is not promoted after {timeout_s:.0f} s; it goes on: look with `python -m trainer status`"
                )
            time.sleep(POLL_S)


def _show(run: str, runs: Runs, generations: Generations, progress: Progress, tasks: dict[str, TaskID]) -> str:
    """Draw what is known; the generation's state once there is nothing left to wait for, else ""."""
    status, scoring = runs.get(run), generations.progress(run)
    if status is not None and status.state == "failed":
        raise GenerationFailedError(f"run {run} failed: {status.message}")
    stage = "score" if scoring is not None else (status.stage if status else "")
    order = list(LABELS)
    for name in order[: order.index(stage)] if stage else []:
        progress.start_task(tasks[name])
        progress.update(tasks[name], completed=1, total=1)
    if scoring is not None:
        progress.start_task(tasks["score"])
        progress.update(tasks["score"], completed=scoring.shards_recorded, total=scoring.n_shards)
        if scoring.state == "failed":
            raise GenerationFailedError(f"generation {run} failed: {scoring.reason}")
        return "" if scoring.state == "scoring" else scoring.state
    if stage in STAGES and status is not None:
        progress.start_task(tasks[stage])
        progress.update(tasks[stage], completed=status.done, total=max(1, status.total))
    return ""
