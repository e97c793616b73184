"""`python -m bench experiments`: simulated users with known preferences, in arms: how often the test is wrong, and what it finds.

Users have tastes, and items have what tastes go for. A model knows tastes up to an error, and lists ten items; a user looks at each with a
chance that falls with its rank, and takes it with one that rises with the user's real taste for it. So it is known which model is better.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.experiments import canary
from contract.experiments.definition import N_SLOTS, slot_of
from trainer.sequential.two_arms import Look, evidence_by_look

SEED, ALPHA, DAYS = 85, 0.05, 28
USERS, ITEMS, TASTES, K = 20_000, 400, 8, 10
VISITS = 0.06  # of all users, each day
GOOD, WORSE, BAD = 0.5, 0.9, 2.0  # errors of models
N_STICKY = 1_000_000
Rates = NDArray[np.float64]


class Seen(NamedTuple):
    """Of one experiment: the verdict, and the days until it stood."""

    verdict: str
    days: int


@dataclass(frozen=True)
class World:
    """`rates[model]`: of each user, the chance that a visit with that model's list ends with something taken."""

    rates: dict[float, Rates]

    @classmethod
    def made(cls) -> World:
        dice = np.random.default_rng(SEED)
        tastes, items = dice.normal(size=(USERS, TASTES)), dice.normal(size=(ITEMS, TASTES))
        liking = tastes @ items.T / np.sqrt(TASTES)
        eager = dice.normal(0.0, 0.8, (USERS, 1))  # some take more, whatever is listed
        chance = 1 / (1 + np.exp(-(liking + eager - 6.5)))
        looks = 1 / np.log2(np.arange(K) + 2)
        rates = {}
        for error in (GOOD, WORSE, BAD):
            listed = np.argsort(-(liking + dice.normal(0.0, error, liking.shape)), axis=1)[:, :K]
            rates[error] = 1 - np.prod(1 - looks * np.take_along_axis(chance, listed, axis=1), axis=1)
        return cls(rates)

    def experiment(self, number: int, models: tuple[float, float], share: float, *, once: bool) -> Seen:
        """One experiment, looked at every day. `once`: each user counts on the first day alone, as the test asks."""
        dice = np.random.default_rng([SEED, number])
        second = np.array([slot_of(user, f"experiment {number}") for user in range(USERS)]) < share * N_SLOTS
        met = np.zeros(USERS, bool)
        looks: list[Look] = []
        for _ in range(DAYS):
            visiting = dice.random(USERS) < VISITS
            if once:
                visiting &= ~met
                met |= visiting
            took = dice.random(USERS) < np.where(second, self.rates[models[1]], self.rates[models[0]])
            counts = [(int((visiting & arm).sum()), int((visiting & arm & took).sum())) for arm in (~second, second)]
            looks.append(Look(*counts[0], *counts[1]))
        verdicts = [found.verdict(ALPHA) for found in evidence_by_look(looks)]
        return next((Seen(verdict, day) for day, verdict in enumerate(verdicts, 1) if verdict), Seen("", DAYS))


CASES = (
    ("no difference, 90 to 10", (GOOD, GOOD), 0.1, True),
    ("no difference, 50 to 50", (GOOD, GOOD), 0.5, True),
    ("no difference, 50 to 50, each visit counted", (GOOD, GOOD), 0.5, False),
    ("worse, 90 to 10", (GOOD, WORSE), 0.1, True),
    ("worse, 50 to 50", (GOOD, WORSE), 0.5, True),
    ("much worse, 90 to 10", (GOOD, BAD), 0.1, True),
    ("better, 50 to 50", (WORSE, GOOD), 0.5, True),
)


def run(n: int, json_file: Path | None) -> None:
    """Print a table in Markdown: `n` experiments of each kind, and what assigns users to arms."""
    world = World.made()
    taken = {error: float(rates.mean()) for error, rates in world.rates.items()}
    print(f"{USERS:,} users, {VISITS:.0%} of them a day, {DAYS} days; a false alarm is to be had in {ALPHA:.0%} at the most.\n")
    print("| second arm | takes, first and second | says worse | says better | days until it does, median |\n|---|---|---|---|---|")
    rows = []
    for name, models, share, once in CASES:
        seen = [world.experiment(number, models, share, once=once) for number in range(n)]
        verdicts = [one.verdict for one in seen]
        worse, better = verdicts.count("worse") / n, verdicts.count("better") / n
        days = float(np.median([float(one.days) for one in seen if one.verdict] or [np.nan]))
        first, second = (taken[model] for model in models)
        print(f"| {name} | {first:.2%}, {second:.2%} | {worse:.1%} | {better:.1%} | {days:.0f} |", flush=True)
        rows.append({"case": name, "rates": [first, second], "worse": worse, "better": better, "days": days})
    sticky = _sticky()
    print(
        f"\n{N_STICKY:,} users, 10 %: {sticky['share']:.3%}; two experiments: chi-squared {sticky['chi_squared']:.2f}, 1 degree of freedom."
    )
    from bench.experiments import interleaved  # whose users have the same tastes

    broken, signs = canary.run(n), interleaved.run(n)
    if json_file is not None:
        json_file.write_text(
            json.dumps({"experiments": n, "cases": rows, "assignment": sticky, "broken": broken, "interleaved": signs}, indent=2)
        )


def _sticky() -> dict[str, float]:
    """The share of an arm of 10 %, and whether arms of two experiments are independent."""
    slots = [[slot_of(user, salt) for user in range(N_STICKY)] for salt in ("one", "other")]
    one, other = (np.array(each) < N_SLOTS // 10 for each in slots)
    found = np.array([[float((first & second).sum()) for second in (other, ~other)] for first in (one, ~one)])
    expected = found.sum(axis=1, keepdims=True) * found.sum(axis=0, keepdims=True) / N_STICKY
    return {"share": float(one.mean()), "chi_squared": float(((found - expected) ** 2 / expected).sum())}
