"""How often a sign test of two interleaved lists is wrong, and how much sooner than two arms it tells the better one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.experiments.simulated import ALPHA, DAYS, GOOD, ITEMS, TASTES, VISITS, WORSE, K
from contract.experiments.interleaving import coins_of, draft
from trainer.sequential.signs import Won, evidence_of_signs
from trainer.sequential.two_arms import Look, evidence

SEED, USERS, TRIES = 91, 2000, 24
CASES = (
    ("no difference, one list", GOOD, None),
    ("no difference, two lists", GOOD, GOOD),
    ("worse", GOOD, WORSE),
    ("better", WORSE, GOOD),
)
Signs = NDArray[np.int64]


def run(n: int) -> list[dict[str, object]]:
    """Print a table in Markdown: `n` experiments of each kind, each beside one of two arms of a half of the same users."""
    print(f"\n{USERS:,} users, {VISITS:.0%} of them a day, {DAYS} days; a false alarm is to be had in {ALPHA:.0%} at the most.\n")
    print("| second list | users whom it won, of those who were won | says worse | says better | two arms say so |\n|---|---|---|---|---|")
    rows = list[dict[str, object]]()
    for name, first, second in CASES:
        signs, takes = _simulated(first, second)
        share = float((signs > 0).sum() / (signs != 0).sum())
        found = [_verdicts(signs, takes, number) for number in range(n)]
        worse, better = (sum(one[0] == verdict for one in found) / n for verdict in ("worse", "better"))
        arms = sum(one[1] == ("worse" if first == GOOD else "better") for one in found) / n
        print(f"| {name} | {share:.1%} | {worse:.1%} | {better:.1%} | {arms:.1%} |", flush=True)
        rows.append({"case": name, "won": share, "worse": worse, "better": better, "two_arms": arms})
    return rows


def _simulated(first: float, second: float | None) -> tuple[Signs, NDArray[np.bool_]]:
    """Of each user some visits: who won (-1, 0, 1) where lists are interleaved; and whether anything was taken of each list alone."""
    dice = np.random.default_rng(SEED)
    tastes, items = dice.normal(size=(USERS, TASTES)), dice.normal(size=(ITEMS, TASTES))
    liking = tastes @ items.T / np.sqrt(TASTES)
    chance = 1 / (1 + np.exp(-(liking + dice.normal(0.0, 0.8, (USERS, 1)) - 6.5)))
    looks = 1 / np.log2(np.arange(K) + 2)
    errors = [dice.normal(0.0, error, liking.shape) for error in (first, first if second is None else second)]
    lists = [np.argsort(-(liking + error), axis=1)[:, :K] for error in errors]
    if second is None:
        lists[1] = lists[0]
    signs = np.zeros((USERS, TRIES), np.int64)
    takes = np.stack(
        [dice.random((USERS, TRIES)) < (1 - np.prod(1 - looks * np.take_along_axis(chance, of, 1), axis=1))[:, None] for of in lists]
    )
    for user in range(USERS):
        own = [of[user].tolist() for of in lists]
        for at in range(TRIES):
            picks = [pick for pick, _ in zip(draft(own[0], own[1], coins_of(user, ("a", "b"), "bench", at)), range(K), strict=False)]
            shown = np.array([own[pick.source][pick.place] for pick in picks])
            took = dice.random(K) < looks * chance[user, shown]
            signs[user, at] = np.sign(sum(2 * pick.team - 1 for pick, is_taken in zip(picks, took, strict=True) if is_taken))
    return signs, takes


def _verdicts(signs: Signs, takes: NDArray[np.bool_], number: int) -> tuple[str, str]:
    """Of the sign test, and of two arms. Each user counts once, at the first visit."""
    dice = np.random.default_rng([SEED, number])
    day, at = dice.geometric(VISITS, USERS) - 1, dice.integers(TRIES, size=USERS)
    sign, second = signs[np.arange(USERS), at], dice.random(USERS) < 0.5
    took = takes[second.astype(int), np.arange(USERS), at]
    days, looks = [], []
    for each in range(DAYS):
        now = day == each
        days.append(Won(int((now & (sign < 0)).sum()), int((now & (sign > 0)).sum())))
        counts = [(int((now & arm).sum()), int((now & arm & took).sum())) for arm in (~second, second)]
        looks.append(Look(*counts[0], *counts[1]))
    return evidence_of_signs(days).verdict(ALPHA), evidence(looks).verdict(ALPHA)
