"""Models of the family as an artifact holds them: rows of affinities, dense tiles or sparse rows of weights, a prior.

The rows that scores are made from have the affinity of `--affinity`; the rows that a model is fitted on have the same kind, and decay by
`--fit-decay-days`. Beside a prior all rows are whole, without exponents of their own, so that both are on one scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from contract.artifacts.artifact import TILE
from contract.settings.family import MATRIXLESS, affinity_of
from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.blocks import in_blocks, release
from engine.fit import similarity
from engine.linear.matrix import Columns, Cost, Dense, Fitted, Limits, Shape, with_diagonal
from engine.linear.nearest import nearest
from engine.models import blend, itemknn, trend
from engine.models.family import MODELS
from engine.models.newcomers import Mix
from engine.targets import ridge
from engine.weighing.affinity import Affinity, lasting, weigh
from engine.weighing.rows import UserRows, rows_of_events
from engine.weighing.scored import scored_rows, whole
from trainer.fitting.counts import Counts
from trainer.fitting.fit_model import NOTHING, Made, Similar, sar_rows
from trainer.fitting.newcomers import fit_sar, known_of, mix_of, similar_rows, written_columns
from trainer.interactions.interactions import Interactions

_RELEASE_EVERY = 16  # tiles


def fit(
    interactions: Interactions,
    model: ModelSettings,
    allocate: Allocate,
    threads: int,
    limit_bytes: float,
    report: Report,
    similar: Similar | None,
    counts: Counts,
) -> Made:
    """As fit_model.fit_model, for a model of the family, or sar with an affinity or a prior."""
    pairs, limits = user_rows(interactions), Limits(limit_bytes, threads, counts.gram)
    if model.model == "sar":
        counted = sar_rows(interactions, model)
        made, near = fit_sar(interactions, counted, model, allocate, limits, report, similar, counts)
        own = None
    else:
        report(0, 1)
        counted = None
        found, mix = fitted(pairs, model, limits), mix_of(interactions, pairs.item_idx, model, limits)
        matrix = mixed(found.matrix, mix)
        if not model.exclude_seen and model.repeat_gain and model.model not in MATRIXLESS:
            matrix = with_diagonal(matrix, model.repeat_gain)
        made, own = written(matrix, allocate, threads), found.prior
        near = similar_arrays(pairs, matrix, model, similar, limits, mix)
        report(1, 1)
    prior = prior_of(pairs, own, model)
    times = {} if pairs.timestamps is None else {"times": pairs.timestamps}
    learnt_from = {"pairs": pairs.weights, **times, **known_of(interactions)}
    rows = scored_rows(pairs, model, has_prior=bool(prior)) if counted is None or model.affinity else whole(counted)
    return Made(rows, made, prior, near, learnt_from)


def user_rows(interactions: Interactions) -> UserRows:
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    return rows_of_events(*columns, len(interactions.user_ids), len(interactions.item_ids))


def fitted(pairs: UserRows, model: ModelSettings, limits: Limits) -> Fitted:
    """The model, or the blend of two, on decayed pairs. `pairs`: not decayed before."""
    decayed = weigh(pairs, gram_affinity(pairs, model)).whole()
    first = _one(model.model, pairs, decayed, model, limits)
    if not model.blend:
        return first
    left = replace(limits, memory_bytes=limits.memory_bytes - first.matrix.n_bytes)
    return blend.blend(first, _one(model.blend, pairs, decayed, model, left), model.blend_share)


def _one(name: str, pairs: UserRows, decayed: UserRows, model: ModelSettings, limits: Limits) -> Fitted:
    member = MODELS[name]
    return member.fit(pairs if member.is_prior else decayed, parameters_of(name, model), limits)


def parameters_of(name: str, model: ModelSettings) -> Any:
    """What the settings say to a model: each takes the parameters that it has."""
    said: dict[str, Any] = {"half_life_days": model.prior_days, **model.model_dump()}
    if not model.ridge:
        del said["ridge"]
    member = MODELS[name].parameters
    return member(**{field.name: said[field.name] for field in fields(member) if field.name in said})


def cost_of(shape: Shape, model: ModelSettings, limits: Limits, *, has_target: bool = False) -> Cost:
    """What the fit, or both fits of a blend, cost; `has_target`: or that of a model with a target."""
    if has_target and model.model == "ease":
        return ridge.cost(shape, model.neighbors, limits)
    costs = [MODELS[name].cost(shape, parameters_of(name, model), limits) for name in (model.model, model.blend) if name]
    last = costs[-1]
    if len(costs) == 1:
        return last
    peak = max(costs[0].peak_bytes, costs[0].matrix_bytes + last.peak_bytes)
    kept = max(cost.matrix_bytes for cost in costs) if not model.neighbors else sum(cost.matrix_bytes for cost in costs)
    return Cost(peak, kept, sum(cost.counting_steps for cost in costs), sum(cost.multiply_adds for cost in costs))


def gram_affinity(pairs: UserRows, model: ModelSettings) -> Affinity:
    """Weights of the rows that a model is fitted on: half a power, so that a Gram matrix adds up the decayed number of users."""
    kind = affinity_of(model.affinity).kind
    if not model.fit_decay_days:
        return Affinity(kind)
    return lasting(pairs, Affinity(kind, "now", half_life_days=model.fit_decay_days, power=0.5))


def similar_arrays(
    pairs: UserRows, matrix: Dense | Columns, model: ModelSettings, similar: Similar | None, limits: Limits, mix: Mix | None
) -> Mapping[str, Array]:
    """Similar items by what speaks for an item, or, of a model that is a vector alone, by the cosine of their users."""
    if similar is None or not similar.depth:
        return NOTHING
    if model.model in MATRIXLESS:
        kept = similar.depth + min(similar.left_out.size, 3 * similar.depth)
        matrix = itemknn.fit(pairs.reweighted(np.ones(pairs.n_pairs)), itemknn.Parameters(neighbors=kept), limits).matrix
        matrix = mixed(matrix, mix)
    return similar_rows(nearest(matrix, similar.depth, similar.mask(pairs.n_items), limits.threads))


def mixed(matrix: Dense | Columns, mix: Mix | None) -> Dense | Columns:
    """With columns of items that few have met as those of items like them; a dense matrix is mixed in place."""
    if mix is None:
        return matrix
    if isinstance(matrix, Columns):
        return mix.sparse(matrix)
    mix.dense(matrix.values)
    return matrix


def prior_of(pairs: UserRows, own: Array | None, model: ModelSettings) -> Mapping[str, Array]:
    """The model's own prior and that of the settings, added up."""
    added = trend.prior(pairs, trend.Parameters(model.prior_gain, model.prior_days))
    found = [part for part in (own, added) if part is not None]
    return {"prior": np.asarray(sum(found), np.float32)} if found else {}


def written(matrix: Dense | Columns, allocate: Allocate, threads: int) -> similarity.Fitted:
    """The matrix in the layout of an artifact. Copying waits for memory and for new pages, so that threads pay."""
    if isinstance(matrix, Columns):
        return written_columns(matrix, allocate)
    n = matrix.values.shape[0]
    tiles = allocate("similarity", np.float32, (-(-n // TILE), n, TILE))

    def copy(first: int, last: int) -> None:
        for tile in range(first, last):
            part = matrix.values[:, tile * TILE : (tile + 1) * TILE]
            tiles[tile, :, : part.shape[1]] = part
            if tile % _RELEASE_EVERY == 0:
                release(tiles)

    in_blocks(copy, np.ones(len(tiles)), threads)
    return similarity.Fitted("dense", matrix.row_work)
