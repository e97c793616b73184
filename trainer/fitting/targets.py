"""Models with a target: rows of events of all types, from which a matrix of what leads to target events makes scores.

Popularity, priors and what is left out as seen are counted in events of the target alone (Made.seen).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from contract.errors import SettingsError
from contract.settings.family import FOR_TARGETS, MATRIXLESS, unfit_for_target
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.fit import rows as sar
from engine.linear.matrix import Fitted, Limits
from engine.models.family import MODELS
from engine.targets import counted, ridge
from engine.weighing.affinity import Affinity, weigh
from engine.weighing.rows import UserRows
from engine.weighing.scored import scored_rows, whole
from trainer.fitting import family
from trainer.fitting.fit_model import Made, Seen, Similar, sar_rows
from trainer.fitting.newcomers import known_of, mix_of
from trainer.interactions.interactions import Interactions
from trainer.interactions.subset import of_target, with_events

__all__ = ["FOR_TARGETS", "fit"]


def fit(
    interactions: Interactions,
    model: ModelSettings,
    allocate: Allocate,
    threads: int,
    limit_bytes: float,
    report: Report,
    similar: Similar | None,
) -> Made:
    """As fit_model.fit_model, for interactions of which some are of the target. Raises SettingsError for a model that knows no target."""
    if reason := unfit_for_target(model):
        raise SettingsError(reason)
    assert interactions.target is not None  # noqa: S101 - fit_model has looked
    report(0, 1)
    limits = Limits(limit_bytes, threads)
    pairs, taken = family.user_rows(interactions), family.user_rows(of_target(interactions))
    found, mix = _fitted(interactions, pairs, taken, model, limits), mix_of(interactions, taken.item_idx, model, limits)
    matrix = family.mixed(found.matrix, mix)
    made = family.written(matrix, allocate, threads)
    by_row = model.model == "sar" and mix is None  # who met i took j: of sar, a row has what it speaks for
    near = {} if by_row else family.similar_arrays(taken, matrix, model, similar, limits, mix)
    prior = family.prior_of(taken, found.prior, model)
    report(1, 1)
    rows = _rows(interactions, pairs, model, has_prior=bool(prior))
    seen = Seen(taken.indptr, taken.item_idx.astype(np.int32))
    return Made(rows, made, prior, near, {**_learnt_from(pairs, taken), **known_of(interactions)}, seen)


def _fitted(interactions: Interactions, pairs: UserRows, taken: UserRows, model: ModelSettings, limits: Limits) -> Fitted:
    if model.model in MATRIXLESS:
        return MODELS[model.model].fit(taken, family.parameters_of(model.model, model), limits)
    assert interactions.target is not None  # noqa: S101
    others = family.user_rows(with_events(interactions, ~interactions.target))
    if model.model == "sar":
        return Fitted(counted.fit(pairs, taken, others, model.similarity, model.threshold, model.neighbors, limits))
    met = family.gram_affinity(pairs, model)
    took = Affinity("binary", met.decay, met.half_life_days, met.base, met.power)
    inputs, targets, without = (weigh(rows, how, pairs.newest).whole() for rows, how in ((pairs, met), (taken, took), (others, met)))
    return Fitted(ridge.fit(inputs, targets, without, family.parameters_of("ease", model).ridge, model.neighbors, limits))


def _rows(interactions: Interactions, pairs: UserRows, model: ModelSettings, *, has_prior: bool) -> sar.Rows:
    if model.model != "sar" or model.affinity:
        return scored_rows(pairs, model, has_prior=has_prior)
    rows = sar_rows(interactions, model)
    return whole(rows) if has_prior else rows


def _learnt_from(pairs: UserRows, taken: UserRows) -> Mapping[str, Array]:
    """What the numbers follow from besides the rows."""
    found = {"pairs": pairs.weights, "target_indptr": taken.indptr, "target_indices": taken.item_idx}
    for name, rows in (("times", pairs), ("target_times", taken)):
        if rows.timestamps is not None:
            found[name] = rows.timestamps
    return found
