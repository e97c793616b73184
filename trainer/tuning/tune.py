"""Successive halving: all matrices on few users, the best of them with every affinity and prior on more, the best candidates on all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from contract.errors import DataError
from contract.formats.reports.tuned import Tuned
from contract.settings.settings import ModelSettings
from contract.text import utc_text
from engine.arrays import Report
from engine.linear.matrix import Limits, Shape
from trainer.evaluation.holdout import lowest_hashes, nobody, only
from trainer.evaluation.moment import Cut, cuts
from trainer.evaluation.paired import SEED
from trainer.fitting.family import user_rows
from trainer.interactions.interactions import Interactions
from trainer.tuning import budget
from trainer.tuning.grid import Candidate, Grid, unchosen
from trainer.tuning.score import Score, winner_of
from trainer.tuning.trial import Trial

Stop = Callable[[], str]


class CutShortError(Exception):
    """Why no further candidate is measured."""


def tune(
    interactions: Interactions,
    base: ModelSettings,
    *,
    budget_s: float,
    threads: int,
    limit_bytes: float,
    seed: int = SEED,
    report: Report = lambda *_: None,
    stop: Stop = lambda: "",
) -> Tuned:
    """The best of the grid on what happened after a moment of time. `base`: the settings that it is compared with.

    The same data, settings and seed choose the same, unless the result says that it was cut short: at `budget_s` seconds, or when
    `stop` says why. Memory: that of a run, at most `limit_bytes` for a fit. Raises DataError where nothing can be held out.
    """
    return _Search(interactions, unchosen(base), budget_s, threads, limit_bytes, seed, report, stop).result()


class _Search:
    def __init__(
        self,
        interactions: Interactions,
        base: ModelSettings,
        budget_s: float,
        threads: int,
        limit_bytes: float,
        seed: int,
        report: Report,
        stop: Stop,
    ) -> None:
        self._started, self._budget_s, self._seed = time.monotonic(), budget_s, seed
        self._interactions, self._base, self._stop, self._report = interactions, base, stop, report
        limits, has_times, has_target = Limits(limit_bytes, threads), interactions.time is not None, interactions.target is not None
        shape = Shape.of(user_rows(interactions))
        self._plan = budget.plan(base, shape, has_times=has_times, has_target=has_target, cuts=1, budget_s=budget_s, limits=limits)
        found = self._cuts()
        if len(found) > 1:  # both are measured, on half of the budget each
            self._plan = budget.plan(
                base, shape, has_times=has_times, has_target=has_target, cuts=len(found), budget_s=budget_s, limits=limits
            )
            found = self._cuts()
        if not found:
            raise DataError(f"{interactions.source}: nothing can be held out: {nobody(interactions)}")
        self._how = "+".join(cut.how for cut in found)
        self._trials = [Trial(cut.held, base, threads=threads, limit_bytes=limit_bytes, share=self._plan.share) for cut in found]
        self._scores: dict[str, Score] = {}
        self._cut_short = ""
        self._done, self._total = 0, self._count()

    def result(self) -> Tuned:
        grid = self._plan.grid
        popularity = grid.apart[0]
        first = budget.RUNGS[0][0]
        default, popular = self._score(grid.default, first), self._score(popularity, first)  # what no budget cuts
        try:
            finalists = self._finalists(grid)
            most = budget.RUNGS[2][0]
            default, popular = self._score(grid.default, most), self._score(popularity, most)
            last = [default, popular, *(self._measured(candidate, most) for candidate in finalists)]
        except CutShortError as stopped:
            self._cut_short = str(stopped)
            most = max(score.values[0].size for score in self._scores.values())
            others = [score for score in self._scores.values() if score.values[0].size == most and not score.candidate.is_default]
            default, popular = self._score(grid.default, most), self._score(popularity, most)
            last = [default, popular, *others]
        self._report(1, 1)
        return self._tuned(winner_of(last, default, popular), default, popular)

    def _finalists(self, grid: Grid) -> list[Candidate]:
        first, (second, n_matrices), (_, n_last) = budget.RUNGS[0][0], budget.RUNGS[1], budget.RUNGS[2]
        apart = [self._measured(candidate, first) for candidate in grid.apart]
        by_matrix = [
            (max(self._measured(each, first).level for each in grid.variants(matrix, first=True)), -place, matrix)
            for place, matrix in enumerate(grid.matrices)
        ]
        best = [matrix for *_, matrix in sorted(by_matrix, key=lambda each: each[:2], reverse=True)[:n_matrices]]
        wider = [self._measured(each, second) for matrix in best for each in grid.variants(matrix, first=False)]
        wider += [self._measured(score.candidate, second) for score in apart[1:]]
        return [score.candidate for score in sorted(wider, key=lambda score: -score.level)[:n_last]]

    def _measured(self, candidate: Candidate, most_users: int) -> Score:
        if time.monotonic() - self._started > self._budget_s:
            raise CutShortError(f"the budget of {self._budget_s:g} s was used up")
        if reason := self._stop():
            raise CutShortError(reason)
        score = self._score(candidate, most_users)
        self._done += 1
        self._report(min(self._done, self._total - 1), self._total)
        return score

    def _score(self, candidate: Candidate, most_users: int) -> Score:
        values = tuple(trial.ndcg(candidate, most_users) for trial in self._trials)
        default = values if candidate.is_default else tuple(trial.ndcg(self._plan.grid.default, most_users) for trial in self._trials)
        score = self._scores[candidate.arguments] = Score(candidate, values, default)
        return score

    def _count(self) -> int:
        grid, (_, n_matrices), (_, n_last) = self._plan.grid, budget.RUNGS[1], budget.RUNGS[2]
        first = sum(len(grid.variants(matrix, first=True)) for matrix in grid.matrices)
        wider = sum(len(grid.variants(matrix, first=False)) for matrix in grid.matrices[:n_matrices])
        return first + wider + 2 * len(grid.apart) + n_last

    def _cuts(self) -> list[Cut]:
        """Of more users than the budget has in mind, where nothing can be held out of those: few may have an event of the target."""
        while (
            not (found := cuts(of_users(self._interactions, self._plan.share), budget.RUNGS[2][0], self._base.exclude_seen))
            and self._plan.share < 1
        ):
            self._plan = self._plan._replace(share=min(1.0, 2 * self._plan.share))
        return found

    def _tuned(self, winner: Score, default: Score, popular: Score) -> Tuned:
        interactions = self._interactions
        tried = sorted(self._scores.values(), key=lambda score: (-score.values[0].size, -score.level))
        return Tuned(
            source=interactions.source,
            n_users=len(interactions.user_ids),
            n_items=len(interactions.item_ids),
            n_interactions=interactions.user_idx.size,
            data_until=interactions.data_until,
            how=self._how,
            n_users_measured=winner.values[0].size,
            share=self._plan.share,
            seed=self._seed,
            budget_s=self._budget_s,
            seconds=round(time.monotonic() - self._started, 1),
            cut_short=self._cut_short,
            tuned_at=utc_text(datetime.now(UTC)),
            diversity=self._base.diversity,
            popularity_penalty=self._base.popularity_penalty,
            explore=self._base.explore,
            exclude_seen=self._base.exclude_seen,
            again=round(self._trials[0].held.again, 4),
            target=str(interactions.reading.get("target", "")),
            left_out=self._plan.left_out,
            default=default.measured(self._seed),
            popularity=popular.measured(self._seed),
            winner=winner.measured(self._seed),
            tried=tuple(score.measured(self._seed) for score in tried),
        )


def of_users(interactions: Interactions, share: float) -> Interactions:
    """The events of a share of the users, whose ids hash lowest, and the items that they have."""
    if share == 1.0:
        return interactions
    n_users = len(interactions.user_ids)
    kept = np.zeros(n_users, bool)
    kept[lowest_hashes(interactions, np.arange(n_users), int(share * n_users))] = True
    _, some = only(interactions, kept[interactions.user_idx])
    return some
