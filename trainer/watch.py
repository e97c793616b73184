"""Shows a run as it goes: one progress bar per stage, from the queue to promotion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract.errors import GenerationError, GenerationFailedError
from contract.generations import Generations
from contract.generations import Progress as Scoring
from contract.runs import STAGES, Runs, RunStatus

POLL_S = 0.1
TITLES = {
    "load": "load interactions",
    "fit": "fit the model",
    "write": "write the artifact",
    "dispatch": "enqueue shards",
    "score": "score",
}
Show = Callable[[RunStatus | None, Scoring | None], None]
"""Draws what is known of a run and of its generation."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage: `total` is None while nothing is known, and done == total once it is over."""

    stage: str
    done: int
    total: int | None


def bars(run: RunStatus | None, scoring: Scoring | None) -> list[Bar]:
    """How far each stage of a run is. Stages before the one it is in are over."""
    if run is None:
        return [Bar(stage, 0, None) for stage in TITLES]
    over = run.state == "dispatched"
    at = STAGES.index(run.stage) if run.stage in STAGES else -1
    shown = []
    for number, stage in enumerate(STAGES):
        if over or number < at:
            shown.append(Bar(stage, 1, 1))
        elif number == at and run.total:
            shown.append(Bar(stage, min(run.done, run.total), run.total))
        else:
            shown.append(Bar(stage, 0, None))
    shown.append(Bar("score", scoring.shards_recorded, scoring.n_shards) if scoring else Bar("score", 0, None))
    return shown


@contextmanager
def shown(console: Console) -> Iterator[Show]:
    """A bar per stage on `console`, which the function that this gives draws anew."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks = {stage: progress.add_task(title, total=None, start=False) for stage, title in TITLES.items()}

        def show(run: RunStatus | None, scoring: Scoring | None) -> None:
            for bar in bars(run, scoring):
                if bar.total is not None:
                    progress.start_task(tasks[bar.stage])
                    progress.update(tasks[bar.stage], completed=bar.done, total=bar.total)

        yield show


def follow(run: str, runs: Runs, generations: Generations, console: Console, timeout_s: float) -> str:
    """Show `run` until its generation is promoted or settled otherwise; the final state. Raises GenerationFailedError with the reason."""
    deadline = time.monotonic() + timeout_s
    with shown(console) as show:
        while True:
            status, scoring = runs.get(run), generations.progress(run)
            show(status, scoring)
            if status is not None and status.state == "failed":
                raise GenerationFailedError(f"run {run} failed: {status.message}")
            if scoring is not None and scoring.state == "failed":
                raise GenerationFailedError(f"generation {run} failed: {scoring.reason}")
            if scoring is not None and scoring.state != "scoring":
                return scoring.state
            if time.monotonic() > deadline:
                raise GenerationError(
                    f"run {run} is not promoted after {timeout_s:.0f} s; it goes on: look with `python -m trainer status`"
                )
            time.sleep(POLL_S)
