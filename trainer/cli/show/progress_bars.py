"""Shows a run as it goes, from the queue to promotion: one progress bar per stage, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract.errors import GenerationError, GenerationFailedError, RunCancelledError
from contract.formats.states import GenerationState, RunState
from contract.settings.called import as_called
from contract.store.generations import Generations
from contract.store.progress import Progress as Scoring
from contract.store.runs import STAGES, Runs, RunStatus, failure
from trainer.cli.show.scoring_pace import Pace

POLL_S = 0.1
LINE_EVERY_S = 5.0
TITLES = {
    "load": "load interactions",
    "evaluate": "measure the model",
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
    over = run.state == RunState.DISPATCHED
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
def shown(console: Console, n_alive: Callable[[], int] | None = None) -> Iterator[Show]:
    """Draws on `console` with the function that this gives. `n_alive`: counts workers, to be shown with the pace of scoring."""
    pace = Pace(n_alive, time.monotonic)
    if not console.is_terminal:
        yield _Lines(console, pace).show
        return
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {stage: progress.add_task(title, total=None, start=False, note="") for stage, title in TITLES.items()}

        def show(run: RunStatus | None, scoring: Scoring | None) -> None:
            for bar in bars(run, scoring):
                if bar.total is not None:
                    progress.start_task(tasks[bar.stage])
                    progress.update(tasks[bar.stage], completed=bar.done, total=bar.total)
            if run is not None and run.state == RunState.QUEUED:
                progress.update(tasks["load"], note=_queued(run))
            elif scoring is not None:
                progress.update(tasks["load"], note="")
                progress.update(tasks["score"], note=pace.note(scoring))

        yield show


class _Lines:
    """A line for each stage that is reached, and now and then for how far it is."""

    def __init__(self, console: Console, pace: Pace) -> None:
        self._console = console
        self._pace = pace
        self._last = ("", "")
        self._at = 0.0

    def show(self, run: RunStatus | None, scoring: Scoring | None) -> None:
        known = [bar for bar in bars(run, scoring) if bar.total is not None]
        if run is not None and run.state == RunState.QUEUED:
            stage, text, over = "queued", _queued(run), False
        elif known:
            bar = known[-1]
            stage, over = bar.stage, bar.done == bar.total
            text = f"{TITLES[stage]}: {bar.done}/{bar.total}"
            if stage == "score" and scoring is not None:
                text += f" shards, {self._pace.note(scoring)}"
        else:
            return
        soon = stage == self._last[0] and not over and time.monotonic() - self._at < LINE_EVERY_S
        if text.partition(",")[0] != self._last[1] and not soon:
            self._last, self._at = (stage, text.partition(",")[0]), time.monotonic()
            self._console.print(text, soft_wrap=True, highlight=False, markup=False)


def _queued(run: RunStatus) -> str:
    return f"queued: {run.message}" if run.message else "queued"


def follow(
    run: str, runs: Runs, generations: Generations, console: Console, timeout_s: float, n_alive: Callable[[], int] | None = None
) -> str:
    """Show `run` until its generation is promoted or settled otherwise; the final state. `n_alive`: as for `shown`.

    Raises GenerationFailedError with the reason and the exit code of what the run failed for, and GenerationError for a generation that
    is gone, or still going after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    with shown(console, n_alive) as show:
        while True:
            status, scoring = runs.get(run), generations.progress(run)
            show(status, scoring)
            if status is not None and status.state == RunState.CANCELLED:
                raise RunCancelledError(f"run {run} is cancelled, {status.message}: nothing of it is promoted")
            if status is not None and status.state == RunState.FAILED:
                raise failure(f"run {run} failed: {status.message}", status)
            if scoring is not None and scoring.state == GenerationState.FAILED:
                raise GenerationFailedError(f"generation {run} failed: {scoring.reason}")
            if scoring is not None and scoring.state != GenerationState.SCORING:
                return scoring.state
            if scoring is None and status is not None and status.state == RunState.DISPATCHED:
                raise GenerationError(f"generation {run} is gone: newer ones have taken its place, and it was pruned")
            if time.monotonic() > deadline:
                raise GenerationError(f"run {run} is not promoted after {timeout_s:.0f} s; it goes on: look with `{as_called('watch')}`")
            time.sleep(POLL_S)
