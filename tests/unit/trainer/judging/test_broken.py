"""Broken answers by slots: what counts, what does not, and when an arm is worse."""

from __future__ import annotations

import numpy as np
import pytest

from contract.experiments.answers import BrokenSlot
from contract.experiments.arms import ERROR, WITHOUT
from contract.experiments.definition import CURRENT, N_SLOTS, Arm, Experiment
from contract.experiments.shares import allotted
from trainer.judging.broken import Breakage, worse

SHARES = {"g1": 1000, CURRENT: 9000}


def experiment(shares: dict[str, int] = SHARES) -> Experiment:
    arms = tuple(Arm(name=name, slots=slots) for name, slots in allotted(shares).items())
    return Experiment(id="e", salt="s", arms=arms, began_at_ms=5, by="anna").with_slots_from(5)


def slots(shares: dict[str, int] = SHARES, since: str = "5") -> dict[str, dict[str, str]]:
    return {since: allotted(shares)}


def of(arm: str, numbers: range, outcome: str = WITHOUT, since: str = "5") -> list[BrokenSlot]:
    return [BrokenSlot(outcome, slot, arm, since) for slot in numbers]


def counts(breakage: Breakage) -> list[tuple[str, str, int, int]]:
    return [(rise.arm, rise.outcome, rise.n, rise.n_reference) for rise in breakage.rises()]


@pytest.mark.parametrize("outcome", [ERROR, WITHOUT])
def test_an_arm_that_breaks_for_its_users_alone_is_worse(outcome: str) -> None:
    breakage = Breakage(experiment())
    rows = of("g1", range(20), outcome)
    breakage.learn(slots(), rows[:2])
    assert worse(breakage) is None
    breakage.learn(slots(), rows)
    rise = worse(breakage)
    assert rise is not None
    assert (rise.arm, rise.outcome, rise.n, rise.n_reference) == ("g1", outcome, 20, 0)


def test_the_arm_that_is_held_against_is_never_worse() -> None:
    breakage = Breakage(experiment())
    breakage.learn(slots(), of(CURRENT, range(1000, 3000)))
    assert worse(breakage) is None


def test_as_many_as_the_share_makes_are_not_worse() -> None:
    order = np.random.default_rng(90).permutation(N_SLOTS)[:3000].tolist()
    breakage = Breakage(experiment())
    breakage.learn(slots(), [BrokenSlot(WITHOUT, slot, "g1" if slot < 1000 else CURRENT, "5") for slot in order])
    assert worse(breakage) is None
    assert sum(counts(breakage)[1][2:]) == 3000


def test_a_slot_counts_once_and_each_row_once() -> None:
    breakage = Breakage(experiment())
    rows = [*of("g1", range(3)), *of("g1", range(3)), *of("g1", range(2), ERROR)]
    for _ in range(3):
        breakage.learn(slots(), rows)
    assert counts(breakage) == [("g1", ERROR, 2, 0), ("g1", WITHOUT, 3, 0)]


def test_what_does_not_fit_the_shares_of_its_time_is_passed_over() -> None:
    breakage = Breakage(experiment())
    strange = [BrokenSlot(WITHOUT, 1, "g9", "5"), BrokenSlot(WITHOUT, 2, "g1", "77"), BrokenSlot("odd", 3, "g1", "5")]
    breakage.learn(slots(), [*of(CURRENT, range(5)), *of("g1", range(1000, 1005)), *strange])
    assert counts(breakage) == [("g1", ERROR, 0, 0), ("g1", WITHOUT, 0, 0)]


def test_shares_that_change_are_known_by_their_time() -> None:
    breakage = Breakage(experiment())
    half = {"g1": 5000, CURRENT: 5000}
    moved = {"7": allotted(half, {name: [range(1000)] if name == "g1" else [range(1000, N_SLOTS)] for name in SHARES})}
    breakage.learn(slots() | moved, [*of("g1", range(4)), *of("g1", range(6000, 6004), since="7")])
    assert counts(breakage)[1] == ("g1", WITHOUT, 8, 0)
    alone = Breakage(experiment())
    alone.learn(slots(), of("g1", range(8)))
    assert breakage.rises()[1].evidence < alone.rises()[1].evidence  # of a half, the same number says less


def test_several_arms_share_the_false_alarms() -> None:
    shares = {"a": 1000, "b": 1000, CURRENT: 8000}
    breakage = Breakage(experiment(shares))
    breakage.learn(slots(shares), of("b", range(1000, 1030)))
    rise = worse(breakage)
    assert rise is not None
    assert rise.arm == "b"
    assert [one.evidence for one in breakage.rises() if one.arm == "a"] == [1.0, 1.0]
    for n in range(3, 9):
        for breakage, tests in ((Breakage(experiment()), 2), (Breakage(experiment(shares)), 4)):
            name, at = ("g1", 0) if tests == 2 else ("b", 1000)
            breakage.learn(slots(shares if tests == 4 else SHARES), of(name, range(at, at + n)))
            assert [one.is_proven for one in breakage.rises()] == [one.evidence >= 100 * tests for one in breakage.rises()]
