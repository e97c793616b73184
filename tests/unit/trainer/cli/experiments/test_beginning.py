"""What is said when an experiment begins whose arms differ by more than their lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contract.experiments.definition import CURRENT, Arm, Experiment
from contract.settings.settings import Settings
from tests.support.builders import make_manifest
from trainer.cli.experiments.beginning import warnings

NOW = datetime(2026, 2, 1, tzinfo=UTC)
QUIET = Settings(events=True, impressions=1.0, fallback="popular")


def begun(stop_when_worse: str = "", events_days_ago: float | None = 1, trained_at: str = "2026-01-31T00:00:00Z") -> Experiment:
    pointer = make_manifest("g2", trained_at=trained_at).pointer()
    if events_days_ago is not None:
        until = int((NOW - timedelta(days=events_days_ago)).timestamp() * 1000)
        pointer = pointer.model_copy(update={"events_until": f"{until}-7"})
    arms = (Arm(name="g2", slots="0-5000", pointer=pointer), Arm(name=CURRENT, slots="5000-10000"))
    return Experiment(id="e", salt="s", arms=arms, began_at_ms=1, by="anna", stop_when_worse=stop_when_worse)


def test_where_nothing_differs_nothing_is_said() -> None:
    assert list(warnings(QUIET, begun("clicks"), NOW)) == []


@pytest.mark.parametrize(("stops", "fallback", "n"), [("clicks", "", 1), ("clicks", "popular", 0), ("", "", 0)])
def test_a_missing_fallback_is_said_where_it_keeps_it_from_ending(stops: str, fallback: str, n: int) -> None:
    found = list(warnings(QUIET.model_copy(update={"fallback": fallback}), begun(stops), NOW))
    assert [said.partition(" ")[0] for said in found] == ["LARDER_FALLBACK"] * n


@pytest.mark.parametrize(
    ("days_ago", "trained_at", "n"),
    [
        (6.9, "2026-01-31T00:00:00Z", 0),
        (7.1, "2026-01-31T00:00:00Z", 1),
        (None, "2026-01-28T00:00:00Z", 0),
        (None, "2026-01-02T00:00:00Z", 1),
    ],
)
def test_an_arm_that_is_older_than_what_is_remembered_is_named(days_ago: float | None, trained_at: str, n: int) -> None:
    found = list(warnings(QUIET, begun("", days_ago, trained_at), NOW))
    assert [said.partition(" knows events until ")[0] for said in found] == ["arm g2"] * n
    assert list(warnings(QUIET.model_copy(update={"fresh_days": 60}), begun("", days_ago, trained_at), NOW)) == []
    assert list(warnings(QUIET.model_copy(update={"fresh": False}), begun("", days_ago, trained_at), NOW)) == []
