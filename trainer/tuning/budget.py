"""What a budget of seconds leaves: of whom, and of which matrices. Decided from counts alone, before anything is measured.

A clock would decide differently from one run to the next. So the plan follows from the data, the budget and rates that any machine of
today has; what is done is cut short only where a machine is slower than that by far, and then says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from contract.settings.family import MATRIXLESS
from contract.settings.settings import ModelSettings
from engine.linear.matrix import Limits, Shape
from engine.models.ease import WHOLE_ITEMS
from engine.ranking.ranked import Ranking
from trainer.fitting.family import cost_of
from trainer.tuning.grid import DEPTH, Candidate, Grid, grid, matrix_of

PLANNED = 0.5  # of the budget: what is planned, by rates that a busy machine may miss
COUNT_PER_S = 3e8
ALGEBRA_PER_S = 2.5e10
SYSTEMS_PER_S = 1e9
SCORE_PER_S = 1.5e9
RANK_PER_S = 2e8  # items beside a prior, each of which is a candidate of each user
DIVERSE_PER_S = 1e7  # items of pools times places of lists
CANDIDATE_S = 0.05  # rows, lists and figures of one candidate
FEWEST_USERS = 2000
SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
RUNGS = ((500, 0), (1000, 3), (5000, 8))
"""Users measured, and what stays: all matrices with a few variants each; then the best matrices with all; then the best candidates."""


class Plan(NamedTuple):
    """`share`: of the users. `left_out`: arguments of what is not tried."""

    grid: Grid
    share: float
    left_out: tuple[str, ...]


def plan(
    base: ModelSettings, shape: Shape, *, has_times: bool, cuts: int, budget_s: float, limits: Limits, has_target: bool = False
) -> Plan:
    """The largest share of the users, of at least FEWEST_USERS, for whom all matrices fit the budget; then as many matrices as fit."""
    for share in SHARES:
        smaller = shrunk(shape, share)
        whole = _grid(base, smaller, has_times, limits, budget_s / cuts, has_target)
        seconds = [_seconds(candidates, base, smaller, limits, has_target) for candidates in _groups(whole)]
        if sum(seconds) * cuts <= PLANNED * budget_s or smaller.n_users * SHARES[1] < FEWEST_USERS or share == SHARES[-1]:
            break
    spent = np.cumsum(seconds) * cuts
    fits = max(1, int(np.searchsorted(spent, PLANNED * budget_s, side="right")) - 2)  # two groups have no matrix
    kept = [m for m in whole.matrices[:fits] if _peak(Candidate(m), base, smaller, limits, has_target) <= limits.memory_bytes]
    left = tuple(Candidate(matrix).arguments for matrix in whole.matrices if matrix not in kept)
    return Plan(replace(whole, matrices=tuple(kept)), share, left)


def shrunk(shape: Shape, share: float) -> Shape:
    """What is left with a share of the users: as many items, since the frequent ones stay."""
    return Shape(int(shape.n_users * share), shape.n_items, int(shape.n_pairs * share), shape.pair_products * share)


def _grid(base: ModelSettings, shape: Shape, has_times: bool, limits: Limits, budget_s: float, has_target: bool) -> Grid:
    """Whole inverses where a third of what is planned would make one and a memory limit holds it; else nearest items."""
    ease = cost_of(shape, ModelSettings(model="ease"), limits, has_target=has_target)
    affords = 10 * _fit_seconds(ModelSettings(model="ease"), shape, limits, has_target) <= PLANNED * budget_s
    fits = ease.peak_bytes + ease.matrix_bytes <= limits.memory_bytes
    return grid(base, has_times=has_times, whole=shape.n_items <= WHOLE_ITEMS and affords and fits, has_target=has_target)


def _groups(grid: Grid) -> list[list[Candidate]]:
    return [[grid.default], list(grid.apart), *(grid.variants(matrix, first=True) for matrix in grid.matrices)]


def _seconds(candidates: list[Candidate], base: ModelSettings, shape: Shape, limits: Limits, has_target: bool) -> float:
    users = min(RUNGS[0][0], shape.n_users)
    mean = shape.n_pairs / max(1, shape.n_users)
    n_fits = len({matrix_of(candidate.settings(base)) for candidate in candidates})
    total = n_fits * _fit_seconds(candidates[0].settings(base), shape, limits, has_target)
    for candidate in candidates:
        model = candidate.settings(base)
        width = min(model.neighbors, shape.n_items) if model.neighbors else shape.n_items
        width *= model.model not in MATRIXLESS
        scoring = mean * width / SCORE_PER_S + shape.n_items * model.has_prior / RANK_PER_S
        total += users * scoring * (2 if model.explore else 1) + CANDIDATE_S
        total += users * Ranking.of(model).pooled * DEPTH / DIVERSE_PER_S if model.diversity else 0.0
    return total + shape.n_pairs * len(candidates) / COUNT_PER_S


def _fit_seconds(model: ModelSettings, shape: Shape, limits: Limits, has_target: bool) -> float:
    if model.model == "sar":
        return shape.pair_products / COUNT_PER_S / limits.threads
    cost = cost_of(shape, model, limits, has_target=has_target)
    algebra = cost.multiply_adds / (SYSTEMS_PER_S * limits.threads if model.neighbors else ALGEBRA_PER_S)
    return cost.counting_steps / COUNT_PER_S / limits.threads + algebra


def _peak(candidate: Candidate, base: ModelSettings, shape: Shape, limits: Limits, has_target: bool) -> float:
    cost = cost_of(shape, candidate.settings(base), limits, has_target=has_target)
    return cost.peak_bytes + cost.matrix_bytes
