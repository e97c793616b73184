"""What an experiment has shown: each user once, in the arm of the first list, on days that are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.errors import SettingsError
from contract.experiments.definition import CURRENT, Arm, Experiment
from contract.formats.events import Event, Impression
from contract.settings.settings import Settings
from tests.support.builders import make_manifest
from trainer.events.files import write_entries
from trainer.events.kinds import EVENTS, IMPRESSIONS, Kind
from trainer.judging.judge import judge
from trainer.judging.ratio import unlike
from trainer.judging.trials import Trials, trials

BEGAN = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)
HOUR_S = 3600
Shown = tuple[float, object, str]
Did = tuple[float, object, str]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(artifacts=tmp_path.as_uri(), events=True, impressions=1.0, outcomes_window_s=12 * HOUR_S)


def _ms(hours: float) -> int:
    return int((BEGAN.timestamp() + hours * HOUR_S) * 1000)


def experiment(*arms: str) -> Experiment:
    cuts = [10_000 * at // len(arms) for at in range(len(arms) + 1)]
    made = tuple(
        Arm(name=name, slots=f"{start}-{end}", pointer=None if name == CURRENT else make_manifest(name).pointer())
        for name, start, end in zip(arms, cuts, cuts[1:], strict=False)
    )
    return Experiment(id="e", salt="s", arms=made, began_at_ms=_ms(0), by="anna")


TWO = experiment("g2", CURRENT)


def came(settings: Settings, kind: Kind[Any], entries: Sequence[tuple[float, Any]]) -> None:
    """Each at its hour."""
    for number, (at, one) in enumerate(entries):
        write_entries(kind.folder(settings.artifacts), [(f"{_ms(at)}-{number}", one)], kind)


def kept(settings: Settings, shown: Sequence[Shown], done: Sequence[Did]) -> None:
    """Lists (hours since the begin, user, arm) and events (hours, user, type), in the files of one day."""
    lists = [Impression("r", _ms(at), str(user), "g", arm, "personalized", [1], [1]) for at, user, arm in shown]
    events = [Event(f"e{number}", str(user), 1, kind, _ms(at) // 1000) for number, (at, user, kind) in enumerate(done)]
    for kind, entries in ((IMPRESSIONS, lists), (EVENTS, events)):
        if entries:
            write_entries(kind.folder(settings.artifacts), [(f"{_ms(0)}-{at + 1}", one) for at, one in enumerate(entries)], kind)


def after(hours: float) -> datetime:
    return BEGAN + timedelta(hours=hours)


def test_a_user_counts_once_in_the_first_arm_and_within_the_window(settings: Settings) -> None:
    kept(
        settings,
        [
            (-1, "early", "g2"),
            (0.1, 1, "g2"),
            (3, 1, CURRENT),
            (30, 1, "g2"),
            (1, 2, "g2"),
            (2, 3, CURRENT),
            (26, 4, CURRENT),
            (1, 5, "g9"),
        ],
        [
            (0.05, 1, "buy"),
            (12, 1, "buy"),
            (13.5, 2, "buy"),
            (2, 3, "click"),
            (3, 3, "dismiss"),
            (27, 4, "buy"),
            (28, 4, "buy"),
            (2, 9, "buy"),
        ],
    )
    assert trials(settings, TWO, "conversions", after(60)).days == {"g2": [Trials(2, 1), Trials()], CURRENT: [Trials(1, 0), Trials(1, 1)]}
    assert trials(settings, TWO, "clicks", after(60)).days[CURRENT] == [Trials(1, 1), Trials(1, 0)]


def test_a_day_counts_when_the_windows_of_all_its_users_are_over(settings: Settings) -> None:
    kept(settings, [(1, 1, "g2"), (25, 2, "g2")], [])
    assert [len(trials(settings, TWO, "conversions", after(hours)).days["g2"]) for hours in (0, 35.9, 36, 59.9, 60)] == [0, 0, 1, 1, 2]


def test_what_comes_in_later_changes_no_day_that_was_counted(settings: Settings) -> None:
    """Day 0 closes at hour 36: an event of it that came at hour 35 counts, one that came at hour 37 does not, whatever its time says."""
    kept(settings, [(1, 1, "g2"), (1, 2, "g2"), (25, 3, "g2")], [])
    bought = [(35.0, Event("a", "1", 1, "buy", _ms(2) // 1000)), (37.0, Event("b", "2", 1, "buy", _ms(2) // 1000))]
    came(settings, EVENTS, [*bought, (37.5, Event("c", "3", 1, "buy", _ms(26) // 1000))])
    assert trials(settings, TWO, "conversions", after(60)).days["g2"] == [Trials(2, 1), Trials(1, 1)]


@pytest.mark.parametrize(("name", "other"), [("impressions_keep_days", "events_keep_days"), ("events_keep_days", "impressions_keep_days")])
def test_it_judges_only_what_files_hold_whole(settings: Settings, name: str, other: str) -> None:
    """A user whom a deleted file had would count again, on a later day."""
    kept(settings, [(1, 1, "g2")], [])
    short = settings.model_copy(update={name: 5, other: 30})
    assert trials(short, TWO, "conversions", after(4 * 24)).days["g2"][0] == Trials(1, 0)
    with pytest.raises(SettingsError, match=f"LARDER_{name.upper()}=5.*so there is no verdict.*set LARDER_"):
        trials(short, TWO, "conversions", after(5 * 24))
    never = settings.model_copy(update={"events_keep_days": 0, "impressions_keep_days": 3650})
    assert trials(never, TWO, "conversions", after(99 * 24)).days["g2"][0] == Trials(1, 0)


def test_arms_with_other_people_have_no_verdict(settings: Settings) -> None:
    """Of ten users three are new, buy nothing, and are unknown to g2: where both arms know the user, rates are the same."""
    dice = np.random.default_rng(7)
    shown: list[Shown] = []
    done: list[Did] = []
    for user in range(6000):
        arm, is_new = ("g2", CURRENT)[user % 2], dice.random() < 0.3
        if arm == CURRENT or not is_new:
            shown.append((1, user, arm))
            if dice.random() < (0.0 if is_new else 0.2):
                done.append((2, user, "buy"))
    kept(settings, shown, done)
    _, blind = judge(settings, TWO, "conversions", 0.05, after(60))
    _, seeing = judge(settings, TWO.with_slots_from(_ms(0)), "conversions", 0.05, after(60))
    assert (blind.verdict, blind.withheld) == ("better", "")
    assert (seeing.verdict, seeing.evidence) == ("", blind.evidence)
    assert "set LARDER_FALLBACK" in seeing.withheld


def test_users_are_held_against_the_shares_of_their_time(settings: Settings) -> None:
    """Shares of 10 to 90 on day 0, 50 to 50 on day 1."""
    first = TWO.model_copy(update={"arms": (Arm(name="g2", slots="0-1000"), Arm(name=CURRENT, slots="1000-10000"))}).with_slots_from(_ms(0))
    both = first.model_copy(update={"arms": TWO.arms}).with_slots_from(_ms(24))
    shown: list[Shown] = [(1, user, "g2" if user % 10 == 0 else CURRENT) for user in range(2000)]
    kept(settings, shown + [(25, user, ("g2", CURRENT)[user % 2]) for user in range(2000, 4000)], [])
    found = trials(settings, both, "conversions", after(84))
    assert [period.users for period in found.periods] == [{"g2": 200, CURRENT: 1800}, {"g2": 1000, CURRENT: 1000}]
    assert unlike(found.periods) == ""
    assert "arm g2 has 1,200 users" in unlike(trials(settings, TWO.with_slots_from(_ms(0)), "conversions", after(84)).periods)


def test_without_impressions_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LARDER_IMPRESSIONS"):
        trials(Settings(artifacts=tmp_path.as_uri()), TWO, "clicks", after(60))


def test_nothing_was_shown_yet(settings: Settings) -> None:
    first, second = judge(settings, TWO, "conversions", 0.05, after(60))
    assert (first.arm, first.users, first.rate, first.difference) == (CURRENT, 0, (0.0, 1.0), None)
    assert (second.arm, second.verdict, second.difference) == ("g2", "", (-1.0, 1.0))


@pytest.mark.parametrize(("rate", "verdict"), [(0.02, "worse"), (0.1, ""), (0.25, "better")])
def test_a_difference_is_found_and_none_is_not(settings: Settings, rate: float, verdict: str) -> None:
    dice = np.random.default_rng(5)
    shown: list[Shown] = []
    done: list[Did] = []
    for user in range(3000):
        arm, at = ("g2", CURRENT)[user % 2], 1 + 70 * user / 3000
        shown.append((at, user, arm))
        if dice.random() < (rate if arm == "g2" else 0.1):
            done.append((at + 1, user, "buy"))
    kept(settings, shown, done)
    first, second = judge(settings, TWO, "conversions", 0.05, after(84))
    assert (first.users + second.users, second.verdict) == (3000, verdict)
    assert second.difference is not None
    assert second.difference[0] < rate - 0.1 < second.difference[1]
    assert second.rate[0] < rate < second.rate[1]


def test_of_several_arms_each_has_its_part_of_the_false_alarms(settings: Settings) -> None:
    shown = [(1.0, f"{arm}{user}", arm) for arm in ("a", "b", CURRENT) for user in range(100)]
    done = [(2.0, f"{arm}{user}", "buy") for arm, n in (("a", 10), ("b", 10), (CURRENT, 29)) for user in range(n)]
    kept(settings, shown, done)
    found = judge(settings, experiment("a", "b", CURRENT), "conversions", 0.05, after(84))
    alone = judge(settings, experiment("a", CURRENT), "conversions", 0.05, after(84))
    assert [one.arm for one in found] == [CURRENT, "a", "b"]
    assert found[1].evidence == alone[1].evidence
    assert 40 < found[1].evidence.worse < 80
    assert (alone[1].verdict, found[1].verdict) == ("worse", "")


def test_others_are_held_against_current_or_the_first() -> None:
    assert TWO.reference == CURRENT
    assert experiment("a", "b").reference == "a"
