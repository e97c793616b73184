"""What every model of the family would list, from a few lines of NumPy in float64: A · S + prior, seen items left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from contract.settings.settings import ModelSettings
from engine.weighing.rows import UserRows
from tests.support.models import oracles
from trainer.fitting.family import gram_affinity, user_rows
from trainer.interactions.interactions import Interactions

Array = npt.NDArray[Any]
DAY_S = 86400


def expected_model(interactions: Interactions, model: ModelSettings) -> tuple[Array, Array, Array]:
    """A float64 (users, items), S (items, items) and the prior (items)."""
    pairs = user_rows(interactions)
    matrix, own = _matrix(pairs, model)
    if not model.exclude_seen and own is None:
        matrix = matrix + model.repeat_gain * np.eye(pairs.n_items)
    prior = np.zeros(pairs.n_items) if own is None else own
    return affinities(pairs, model), matrix, prior + _popularity(pairs, model.prior_days) * model.prior_gain


def expected_scores(interactions: Interactions, model: ModelSettings) -> tuple[Array, Array]:
    """Scores float64 (users, items), and which of them may be listed."""
    affinity, matrix, prior = expected_model(interactions, model)
    return affinity @ matrix + prior, (affinity == 0) | (not model.exclude_seen)


def affinities(pairs: UserRows, model: ModelSettings) -> Array:
    """The default: 1 for each item, half-life 60 days from the user's own last event, divided by the root of the row's sum."""
    assert model.affinity == ""
    assert pairs.timestamps is not None
    out = np.zeros((pairs.n_users, pairs.n_items))
    for user in range(pairs.n_users):
        part = slice(int(pairs.indptr[user]), int(pairs.indptr[user + 1]))
        times = pairs.timestamps[part]
        weights = 0.5 ** ((times.max() - times) / (60 * DAY_S))
        out[user, pairs.item_idx[part]] = weights / weights.sum() ** 0.5
    return out


def _matrix(pairs: UserRows, model: ModelSettings) -> tuple[Array, Array | None]:
    if model.blend:
        share = model.blend_share
        parts = [_matrix(pairs, model.model_copy(update={"model": name, "blend": ""})) for name in (model.model, model.blend)]
        return (1 - share) * parts[0][0] + share * parts[1][0], None
    nothing = np.zeros((pairs.n_items, pairs.n_items))
    if model.model in ("popularity", "trending"):
        return nothing, _popularity(pairs, model.prior_days if model.model == "trending" else 0)
    rows = _decayed(pairs, model)
    x, ridge = oracles.dense(rows), model.ridge
    gram = x.T @ x
    if model.neighbors and model.model in ("ease", "edlae"):
        dropped = model.dropout / (1 - model.dropout) * np.diag(gram) if model.model == "edlae" else 0
        return oracles.local(gram, gram, np.full(pairs.n_items, ridge) + dropped, model.neighbors), None
    made = {
        "ease": lambda: oracles.ease(x, ridge),
        "edlae": lambda: oracles.edlae(x, model.dropout, ridge),
        "rp3beta": lambda: oracles.rp3beta(x, model.alpha, model.beta),
        "itemknn": lambda: oracles.itemknn(x, model.weighting, model.shrinkage),
        "slit": lambda: oracles.slit(rows, ridge, model.past, model.future),
    }[model.model]()
    return (oracles.cut_columns(made, model.neighbors) if model.neighbors else made), None


def _decayed(pairs: UserRows, model: ModelSettings) -> UserRows:
    """The root of 1 · decay, with the half-life that leaves enough."""
    assert pairs.timestamps is not None
    half_life = gram_affinity(pairs, model).half_life_days
    ages = (pairs.timestamps.max() - pairs.timestamps) / DAY_S
    return pairs.reweighted((0.5 ** (ages / half_life)) ** 0.5 if model.fit_decay_days else np.ones(pairs.n_pairs))


def _popularity(pairs: UserRows, days: float) -> Array:
    assert pairs.timestamps is not None
    ages = (pairs.timestamps.max() - pairs.timestamps) / DAY_S
    counts = np.bincount(pairs.item_idx, weights=0.5 ** (ages / days) if days else np.ones(pairs.n_pairs), minlength=pairs.n_items)
    shares: Array = counts / counts.max()
    return shares


def assert_list(listed: list[tuple[int, float]], scores: Array, allowed: Array, depth: int, tolerance: float = 2e-5) -> None:
    """A list of (item_idx, score) is the oracle's, up to scores that float32 can't tell apart."""
    items = [item for item, _ in listed]
    best = np.sort(np.where(allowed, scores, -np.inf))[::-1][:depth]
    expected = best[best > tolerance]
    assert len(set(items)) == len(items)
    assert allowed[items].all()
    assert len(expected) <= len(items) <= (best > -tolerance).sum()
    np.testing.assert_allclose([score for _, score in listed], scores[items], rtol=1e-4, atol=tolerance)
    np.testing.assert_allclose(scores[items][: len(expected)], expected, rtol=1e-4, atol=tolerance)
