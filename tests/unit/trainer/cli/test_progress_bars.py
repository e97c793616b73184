from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from contract.store.progress import Progress
from contract.store.runs import RunStatus
from trainer.cli.show import progress_bars as watch
from trainer.cli.show.progress_bars import shown
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


def test_without_a_terminal_each_stage_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    with shown(Console(file=text, width=20)) as show:
        show(None, None)
        show(run("queued", message="another trains"), None)
        show(run("running", "load", 0, 1), None)
        show(run("running", "load", 1, 1), None)
        for done in range(4):  # faster than lines are wanted
            show(run("running", "fit", done, 9), None)
        for shards in (0, 3, 3, 8, 8):
            show(run("dispatched"), scored(shards))
    assert [line.split(",")[0] for line in text.getvalue().splitlines()] == [
        "queued: another trains",
        "load interactions: 0/1",
        "load interactions: 1/1",
        "fit the model: 0/9",
        "score: 0/8 shards",
        "score: 8/8 shards",
    ]
    monkeypatch.setattr(watch, "LINE_EVERY_S", 0.0)
    with shown(Console(file=text, width=20)) as show:
        show(run("dispatched"), scored(3))
        show(run("dispatched"), scored(4))
    assert text.getvalue().splitlines()[-2].startswith("score: 3/8 shards, 3,000 of 8,000 users")
    assert text.getvalue().splitlines()[-1].startswith("score: 4/8 shards, 4,000 of 8,000 users, ")


def test_on_a_terminal_the_bar_of_scoring_carries_the_pace() -> None:
    text = io.StringIO()
    with shown(Console(file=text, width=200, force_terminal=True), lambda: 3) as show:
        show(run("queued", message="another trains"), None)
        show(run("dispatched"), scored(8))
    assert "8/8" in text.getvalue()
    assert "8,000 of 8,000 users, 3 workers" in text.getvalue()
