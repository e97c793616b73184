"""Candidates measured on the same held-out events of the same users: one fit for all that share a matrix.

Their lists are made as a run would serve them: diverse, or with a penalty on popularity, where the run's settings say so.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from contract.settings.family import MATRIXLESS
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.linear.matrix import Limits, Shape
from engine.ranking.ranked import Ranking, ranking_arrays
from engine.weighing.rows import UserRows
from engine.weighing.scored import scored_rows
from trainer.evaluation.holdout import HeldOut
from trainer.evaluation.lists import best_lists, renumbered
from trainer.evaluation.per_user import per_user
from trainer.fitting.family import cost_of, parameters_of, prior_of, user_rows
from trainer.interactions.subset import of_target
from trainer.tuning.fit import Fit, fit_in_memory
from trainer.tuning.grid import DEPTH, Candidate, matrix_of

KEPT_BYTES = 0.5  # of the memory limit: fits that are kept for the next rung


class Trial:
    """One cut of the data. `share`: part of the users that the data are a sample of; a ridge counts users, and is scaled by it."""

    def __init__(self, held: HeldOut, base: ModelSettings, *, threads: int, limit_bytes: float, share: float = 1.0) -> None:
        self.held, self._base, self._share = held, base, share
        self._threads, self._limit_bytes = threads, limit_bytes
        self._pairs: UserRows = user_rows(held.train)
        self._taken = self._pairs if held.train.target is None else user_rows(of_target(held.train))
        self._fits: OrderedDict[tuple[Any, ...], Fit] = OrderedDict()
        self._measured: dict[tuple[str, int], Array] = {}
        self.users: Array = np.unique(held.user_idx)

    @property
    def shape(self) -> Shape:
        return Shape.of(self._pairs)

    def settings(self, candidate: Candidate) -> ModelSettings:
        model = candidate.settings(self._base)
        if self._share == 1.0 or model.model in ("sar", *MATRIXLESS):
            return model
        ridge = getattr(parameters_of(model.model, model), "ridge", 0.0)
        return model.model_copy(update={"ridge": ridge * self._share}) if ridge else model

    def peak_bytes(self, candidate: Candidate) -> float:
        """Of a fit, with its matrix in the layout of an artifact."""
        model = self.settings(candidate)
        if model.model == "sar":
            return 4.5 * self.shape.n_items**2
        limits = Limits(self._limit_bytes, self._threads)
        cost = cost_of(self.shape, model, limits, has_target=self.held.train.target is not None)
        return cost.peak_bytes + cost.matrix_bytes

    def ndcg(self, candidate: Candidate, most_users: int) -> Array:
        """nDCG at DEPTH, float64, of the first `most_users` of the measured users, who are in no order that says anything."""
        users = self._some(most_users)
        if (known := self._measured.get((candidate.arguments, users.size))) is None:
            known = self._measured[candidate.arguments, users.size] = self._ndcg(self._fit(candidate), self.settings(candidate), users)
        return known

    def _some(self, most_users: int) -> Array:
        if self.users.size <= most_users:
            return self.users
        return np.sort(np.random.default_rng(0).permutation(self.users)[:most_users])

    def _ndcg(self, fit: Fit, model: ModelSettings, users: Array) -> Array:
        rows, prior = fit.made.rows, fit.made.prior
        if model.model != "sar":
            own = prior.get("prior") if model.model in MATRIXLESS else None
            prior = prior_of(self._taken, own, model)
            rows = scored_rows(self._pairs, model, has_prior=bool(prior))
        how = {"normalize": model.normalize, "ranking": Ranking.of(model), "seen": fit.made.seen}
        best = best_lists(rows, {**fit.arrays, **prior}, users, DEPTH, self._threads, **how)  # type: ignore[arg-type]
        wanted = np.isin(self.held.user_idx, users)
        lists = renumbered(best, self.held.items)
        return per_user(self.held.user_idx[wanted], self.held.item_idx[wanted], users, lists).ndcg

    def _fit(self, candidate: Candidate) -> Fit:
        model = self.settings(candidate)
        key = matrix_of(model)
        if key not in self._fits:
            fit = self._ranked(fit_in_memory(self.held.train, model, threads=self._threads, limit_bytes=self._limit_bytes))
            self._make_room(fit.n_bytes)
            self._fits[key] = fit
        self._fits.move_to_end(key)
        return self._fits[key]

    def _ranked(self, fit: Fit) -> Fit:
        """With what the run's ranking needs, which no candidate changes."""
        n_users = np.bincount(fit.made.counted.indices, minlength=self.held.items.size)
        return fit._replace(arrays={**fit.arrays, **ranking_arrays(self._base, fit.arrays, n_users)})

    def _make_room(self, n_bytes: int) -> None:
        while self._fits and n_bytes + sum(fit.n_bytes for fit in self._fits.values()) > KEPT_BYTES * self._limit_bytes:
            self._fits.popitem(last=False)
