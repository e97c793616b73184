from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from rich.console import Console

from contract.store.generations import Generations
from contract.store.progress import Progress
from contract.store.runs import Runs, RunStatus
from trainer.cli.show import progress_bars as watch
from trainer.cli.show.progress_bars import follow, shown
from trainer.cli.show.scoring_pace import WINDOW_S, Pace

SCORING = Progress.of("r", {b"state": b"scoring", b"n_shards": b"8", b"n_users": b"8000"}, 0)


def scored(shards: int) -> Progress:
    return replace(SCORING, shards_recorded=shards, users_written=1000 * shards)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pace_says_the_rate_the_time_left_and_the_workers() -> None:
    clock, alive = Clock(), iter([2, 1])
    pace = Pace(lambda: next(alive), clock)
    assert pace.note(scored(0)) == "0 of 8,000 users, 2 workers"  # no rate yet
    clock.now += 0.5
    assert pace.note(scored(1)) == "1,000 of 8,000 users, 2,000 users/s, 4 s left, 2 workers"
    clock.now += 1.5
    assert pace.note(scored(4)) == "4,000 of 8,000 users, 2,000 users/s, 2 s left, 1 worker"


def test_pace_forgets_what_is_long_ago() -> None:
    clock = Clock()
    pace = Pace(None, clock)
    for shards in (0, 4, 4):
        pace.note(scored(shards))
        clock.now += WINDOW_S
    assert pace.note(scored(4)) == "4,000 of 8,000 users"
    assert pace.note(scored(8)) == "8,000 of 8,000 users"


def run(state: str, stage: str = "", done: int = 0, total: int = 0, message: str = "") -> RunStatus:
    return RunStatus("r", state, stage, done, total, message)


def lines_of(shows: Sequence[tuple[float, RunStatus | None, Progress | None]]) -> list[str]:
    """What is said where there is no terminal; the first of each is how many seconds later it is seen."""
    text, clock = io.StringIO(), Clock()
    with shown(Console(file=text, width=20), lambda: 2, clock) as show:
        for later, run, scoring in shows:
            clock.now += later
            show(run, scoring)
    return text.getvalue().splitlines()


def test_without_a_terminal_each_stage_is_a_line_with_its_seconds() -> None:
    assert lines_of(
        [
            (0, None, None),
            (0, run("queued", message="another trains"), None),
            (1, run("queued", message="another trains"), None),
            (0.5, run("running", "load", 0, 1), None),
            (0.75, run("running", "load", 1, 1), None),
            (1, run("running", "load", 1, 1), None),
            *((0.1, run("running", "fit", done, 9), None) for done in range(4)),
            (3, run("running", "write", 0, 1), None),
            *((1, run("dispatched"), scored(shards)) for shards in (0, 3, 3, 8, 8)),
        ]
    ) == [
        "queued: another trains",
        "load interactions: 1.2 s",
        "measure the model: 1.1 s",
        "fit the model: 3.3 s",
        "write the artifact: 1.0 s",
        "score: 8/8 shards, 8,000 of 8,000 users, 2 workers, 3.0 s",
    ]


def test_without_a_terminal_a_long_stage_says_now_and_then_how_far_it_is() -> None:
    every = watch.LINE_EVERY_S
    assert lines_of(
        [
            (0, run("running", "load", 0, 1), None),
            (every, run("running", "load", 0, 1), None),
            (every - 1, run("running", "load", 0, 1), None),
            (0, run("running", "fit", 0, 2000), None),
            (every + 1, run("running", "fit", 1500, 2000), None),
            (1, run("dispatched"), scored(0)),
            (every, run("dispatched"), scored(4)),
        ]
    ) == [
        "load interactions: goes on",
        "load interactions: 9.0 s",
        "fit the model: 1,500 of 2,000",
        "fit the model: 7.0 s",
        "score: 4/8 shards, 4,000 of 8,000 users, 800 users/s, 5 s left, 2 workers",
    ]


def test_who_joins_later_is_told_no_time_that_nobody_has_measured() -> None:
    assert lines_of([(0, run("running", "fit", 3, 9), None), (2, run("running", "write", 0, 1), None), (1, run("dispatched"), None)]) == [
        "fit the model: done",
        "write the artifact: 1.0 s",
    ]


def test_on_a_terminal_the_bar_of_scoring_carries_the_pace() -> None:
    text = io.StringIO()
    with shown(Console(file=text, width=200, force_terminal=True), lambda: 3) as show:
        show(run("queued", message="another trains"), None)
        show(run("dispatched"), scored(8))
    assert "8/8" in text.getvalue()
    assert "8,000 of 8,000 users, 3 workers" in text.getvalue()


def drawn(width: int, *shows: tuple[RunStatus | None, Progress | None]) -> str:
    """What a terminal holds in the end: what is drawn last."""
    text, clock = io.StringIO(), Clock()
    with shown(Console(file=text, width=width, force_terminal=True, no_color=True), lambda: 12, clock) as show:
        for one in shows:
            show(*one)
            clock.now += 1
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue()).rpartition("load interactions")[2]


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_has_all_bars_beside_the_pace(width: int) -> None:
    last = drawn(width, (run("dispatched"), scored(0)), (run("dispatched"), scored(4)))
    assert "measure the model    ━━━━" in last
    assert "score                ━━━━" in last
    assert "4/8" in last
    assert "4,000 of 8,000 users, 4,000 users/s, 1 s left, 12 workers" in " ".join(last.split())


def test_a_run_that_has_begun_is_not_queued() -> None:
    queued = run("queued", message="another trains")
    assert "another trains" in drawn(80, (queued, None))
    assert "another trains" not in drawn(80, (queued, None), (run("running", "load", 0, 1), None))


class Interrupted(Runs):
    """Whoever asks for a run presses Ctrl-C."""

    def __init__(self) -> None:
        pass

    def get(self, run: str) -> RunStatus | None:
        raise KeyboardInterrupt(run)


def test_who_stops_watching_is_told_that_the_run_goes_on() -> None:
    text = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        follow("r", Interrupted(), cast(Generations, None), Console(file=text, width=40), 1.0)
    assert text.getvalue().startswith("Run r goes on: `")
    assert "watch` follows it" in text.getvalue()
