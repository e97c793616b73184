"""How often an experiment without a difference is ended for errors or empty lists, and how soon one with a difference is.

Some people ask a thousand times as often as others, some lists are empty for good in either arm, some answers fail by chance, and for a
while all do. Beside the test of slots stands the same alarm by shares of answers, which is what people would look at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.experiments.answers import BrokenSlot, since_of
from contract.experiments.arms import ERROR, WITHOUT
from contract.experiments.definition import CURRENT, N_SLOTS, Arm, Experiment
from contract.experiments.shares import allotted
from trainer.judging.broken import ALPHA, Breakage, worse
from trainer.sequential.two_arms import Look, evidence

SEED, ARM = 90, "g"
USERS, ANSWERS, LOOKS, AT_ONCE = 20_000, 100_000, 50, 10
EMPTY, FAILS, OUTAGE = 0.01, 0.001, 500  # of users; of answers; answers in a row that fail
Found = NDArray[np.int64]


class Case(NamedTuple):
    """`empty`: share of users whose lists are empty in the arm beside those in both; `fails`: of its answers, in the same way."""

    name: str
    share: float
    empty: float = 0.0
    fails: float = 0.0


CASES = (
    Case("no difference, 90 to 10", 0.1),
    Case("no difference, 50 to 50", 0.5),
    Case("1 % more have empty lists, 90 to 10", 0.1, empty=0.01),
    Case("5 % more have empty lists, 90 to 10", 0.1, empty=0.05),
    Case("5 % more have empty lists, 99 to 1", 0.01, empty=0.05),
    Case("1 % more answers are errors, 90 to 10", 0.1, fails=0.01),
)


class Ended(NamedTuple):
    """Whether it ended, after how many answers of the arm; and whether shares of answers would have ended it."""

    by_slots: bool
    answers: int
    by_answers: bool


def simulated(case: Case, number: int) -> Ended:
    """One experiment of 100,000 answers."""
    dice = np.random.default_rng([SEED, number])
    often = dice.pareto(1.0, USERS) + 0.01
    asks = dice.choice(USERS, ANSWERS, p=often / often.sum())
    slot = dice.integers(N_SLOTS, size=USERS)
    second = slot < round(case.share * N_SLOTS)
    is_empty = (dice.random(USERS) < EMPTY) | (second & (dice.random(USERS) < case.empty))
    fails = dice.random(ANSWERS) < FAILS + np.where(second[asks], case.fails, 0.0)
    away = dice.integers(ANSWERS - OUTAGE)
    fails[away : away + OUTAGE] = True
    broken = {ERROR: fails, WITHOUT: is_empty[asks] & ~fails}
    at = _ends_by_slots(case, slot[asks], second[asks], broken)
    return Ended(at >= 0, int(second[asks][: at + 1].sum()), any(_ends_by_answers(second[asks], which) for which in broken.values()))


def _ends_by_slots(case: Case, slots: Found, second: NDArray[np.bool_], broken: dict[str, NDArray[np.bool_]]) -> int:
    """At which answer; -1: at none."""
    n = round(case.share * N_SLOTS)
    arms = tuple(Arm(name=name, slots=of) for name, of in allotted({CURRENT: N_SLOTS - n, ARM: n}).items())
    experiment = Experiment(id="bench", salt="bench", arms=arms, began_at_ms=0, by="bench").with_slots_from(0)
    rows = []
    for outcome, which in broken.items():
        places = np.flatnonzero(which)
        firsts = places[np.unique(slots[places], return_index=True)[1]]
        rows += [(int(at), BrokenSlot(outcome, int(slots[at]), ARM if second[at] else CURRENT, since_of(experiment))) for at in firsts]
    rows.sort()
    breakage, of = Breakage(experiment), {since_of(experiment): {arm.name: arm.slots for arm in arms}}
    for end in range(AT_ONCE, len(rows) + AT_ONCE, AT_ONCE):
        breakage.learn(of, [row for _, row in rows[:end]])
        if worse(breakage) is not None:
            return rows[min(end, len(rows)) - 1][0]
    return -1


def _ends_by_answers(second: NDArray[np.bool_], broken: NDArray[np.bool_]) -> bool:
    looks = []
    for part in np.array_split(np.arange(ANSWERS), LOOKS):
        own, bad = second[part], broken[part]
        looks.append(Look(int((~own).sum()), int((bad & ~own).sum()), int(own.sum()), int((bad & own).sum())))
    return evidence(looks).better >= 2 / ALPHA


def run(n: int) -> list[dict[str, object]]:
    """Print a table in Markdown: `n` experiments of each kind."""
    print(f"\n{USERS:,} users, {ANSWERS:,} answers; an end without a difference is to be had in {ALPHA:.0%} at the most.\n")
    print("| second arm | ended | after answers of the arm, median | would have been ended by shares of answers |\n|---|---|---|---|")
    rows = list[dict[str, object]]()
    for case in CASES:
        found = [simulated(case, number) for number in range(n)]
        ended = sum(one.by_slots for one in found) / n
        median = float(np.median([float(one.answers) for one in found if one.by_slots] or [np.nan]))
        by_answers = sum(one.by_answers for one in found) / n
        print(f"| {case.name} | {ended:.1%} | {median:,.0f} | {by_answers:.1%} |", flush=True)
        rows.append({"case": case.name, "ended": ended, "answers": median, "by_answers": by_answers})
    return rows
