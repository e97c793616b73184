"""Shows a run as it goes, from the queue to promotion: one progress bar per stage, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from contract.errors import GenerationError, GenerationFailedError, RunCancelledError
from contract.formats.states import GenerationState, RunState
from contract.settings.command_hints import as_called
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


class _Bars(Progress):
    """Bars, and below them a note: beside them it would take their room in a terminal of 80 columns."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.note:
            yield Text(self.note)


@contextmanager
def shown(console: Console, n_alive: Callable[[], int] | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Show]:
    """Draws on `console` with the function that this gives. `n_alive`: counts workers, to be shown with the pace of scoring."""
    pace = Pace(n_alive, clock)
    if not console.is_terminal:
        yield _Lines(console, pace, clock).show
        return
    with _Bars(TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as progress:
        tasks = {stage: progress.add_task(title, total=None, start=False) for stage, title in TITLES.items()}

        def show(run: RunStatus | None, scoring: Scoring | None) -> None:
            for bar in bars(run, scoring):
                if bar.total is not None:
                    progress.start_task(tasks[bar.stage])
                    progress.update(tasks[bar.stage], completed=bar.done, total=bar.total)
            if run is not None and run.state == RunState.QUEUED:
                progress.note = _queued(run)
            else:
                progress.note = pace.note(scoring) if scoring is not None else ""

        yield show


class _Lines:
    """A line for each stage that is over, with how long it took, and now and then one for how far a long stage is."""

    def __init__(self, console: Console, pace: Pace, clock: Callable[[], float]) -> None:
        self._console = console
        self._pace = pace
        self._clock = clock
        self._over: set[str] | None = None
        self._began: float | None = None  # of the stage that goes on; None: before it was looked at
        self._said = ("", clock())

    def show(self, run: RunStatus | None, scoring: Scoring | None) -> None:
        if run is not None and run.state == RunState.QUEUED:
            self._began = self._clock()
            if (text := _queued(run)) != self._said[0]:
                self._say(text)
            return
        known = [bar for bar in bars(run, scoring) if bar.total is not None]
        if not known:
            return
        note = self._pace.note(scoring) if scoring is not None else ""
        if self._over is None:
            self._join(known)
        for bar in known:
            if bar.stage not in (self._over or ()):
                self._look(bar, note)

    def _join(self, known: list[Bar]) -> None:
        """What was over before anybody looked is not told. How long the stage has gone on is known of the first one alone."""
        self._over = {bar.stage for bar in known[:-1]}
        if not self._over:
            self._began = self._began or self._clock()

    def _look(self, bar: Bar, note: str) -> None:
        now, text = self._clock(), TITLES[bar.stage]
        if bar.stage == "score":
            text += f": {bar.done}/{bar.total} shards, {note}"
        if bar.done == bar.total:
            took = "done" if self._began is None else f"{now - self._began:,.1f} s"
            if bar.stage == "score":
                self._say(f"{text}, {took}")
            elif took != "0.0 s":  # left out, or over within one look
                self._say(f"{text}: {took}")
            self._began = now
            self._over = {*(self._over or ()), bar.stage}
        elif now - self._said[1] >= LINE_EVERY_S:
            far = f"{bar.done:,} of {bar.total:,}" if bar.total and bar.total > 1 else "goes on"
            self._say(text if bar.stage == "score" else f"{text}: {far}")

    def _say(self, text: str) -> None:
        self._said = (text, self._clock())
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
    try:
        return _followed(run, runs, generations, console, timeout_s, n_alive)
    except KeyboardInterrupt:
        text = f"Run {run} goes on: `{as_called('watch')}` follows it, `{as_called('cancel')}` ends it"
        console.print(text, soft_wrap=True, highlight=False, markup=False)
        raise


def _followed(run: str, runs: Runs, generations: Generations, console: Console, timeout_s: float, n_alive: Callable[[], int] | None) -> str:
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
