"""Rows that scores are made from, for every model: of all users in a run, and of one user with events that came since."""

from __future__ import annotations

import numpy as np

from contract.settings.family import affinity_of
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import rows as sar
from engine.weighing.affinity import Affinity, weigh
from engine.weighing.rows import UserRows, rows_of_events


def rows_to_score(
    user_idx: Array,
    item_idx: Array,
    weight: Array,
    time: Array | None,
    n_users: int,
    n_items: int,
    model: ModelSettings,
    *,
    has_prior: bool,
    now: int | None,
) -> sar.Rows:
    """From events, as engine.fit.rows.fit_rows takes them. `now`: epoch seconds to which weights decay; later events have age 0."""
    if model.model == "sar" and not model.affinity:
        rows = sar.fit_rows(user_idx, item_idx, weight, time, n_users, model, now)
        return whole(rows) if has_prior else rows
    pairs = rows_of_events(user_idx, item_idx, weight, time, n_users, n_items)
    return scored_rows(pairs, model, has_prior=has_prior, now=now)


def scored_affinity(model: ModelSettings) -> Affinity:
    """Weights of the rows that scores are made from, each row divided by the root of its sum."""
    kind, decay, amount = affinity_of(model.affinity)
    how = {"base": amount} if decay == "rank" else {"half_life_days": amount} if decay != "none" else {}
    return Affinity(kind, decay, scale=0.5, **how)


def scored_rows(pairs: UserRows, model: ModelSettings, *, has_prior: bool, now: int | None = None) -> sar.Rows:
    weighed = weigh(pairs, scored_affinity(model), now)
    exponents = np.zeros_like(weighed.exponents) if has_prior else weighed.exponents
    affinity = weighed.whole().weights if has_prior else weighed.rows.weights
    applied = np.ldexp(affinity.astype(np.float64), np.repeat(exponents, pairs.widths()))
    return sar.Rows(
        indptr=pairs.indptr,
        indices=pairs.item_idx.astype(np.int32),
        affinity=affinity,
        unity=np.empty(0, np.float32),
        exponent=exponents,
        weight_min=float(applied.min(initial=np.inf)),
        weight_max=float(applied.max(initial=-np.inf)),
    )


def whole(rows: sar.Rows) -> sar.Rows:
    """SAR's rows with their exponents applied."""
    affinity = np.ldexp(rows.affinity, np.repeat(rows.exponent, np.diff(rows.indptr)))
    return sar.Rows(
        rows.indptr, rows.indices, affinity, np.empty(0, np.float32), np.zeros_like(rows.exponent), rows.weight_min, rows.weight_max
    )
