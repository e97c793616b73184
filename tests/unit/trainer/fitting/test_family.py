"""Every model of the family, from interactions to lists, equals a few lines of NumPy in float64, over both layouts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from contract.errors import SettingsError
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.linear.matrix import Limits, Shape
from engine.score.explain import explain_users
from engine.score.scoring import Scale, score_users
from engine.score.similar import similar_items
from tests.support.contributors import of_items
from tests.support.models import oracles
from tests.support.models.family_lists import assert_list, expected_model
from tests.support.models.fitting import Memory, interactions_of, matrix_of
from tests.support.models.samples import DAY_S, many
from trainer.fitting.family import cost_of, fitted, user_rows
from trainer.fitting.fit_model import Made, Similar, fit_model
from trainer.interactions.interactions import Interactions

CASES = [
    {"model": "ease", "ridge": 20},
    {"model": "ease", "ridge": 20, "neighbors": 9},
    {"model": "edlae", "ridge": 20, "dropout": 0.5, "fit_decay_days": 0},
    {"model": "edlae", "ridge": 20, "neighbors": 9},
    {"model": "itemknn", "neighbors": 0},
    {"model": "itemknn", "weighting": "bm25"},
    {"model": "rp3beta", "beta": 0.5},
    {"model": "rp3beta", "neighbors": 7},
    {"model": "slit", "ridge": 20},
    {"model": "popularity"},
    {"model": "trending", "prior_days": 3},
    {"model": "ease", "ridge": 20, "prior_gain": 0.2},
    {"model": "rp3beta", "neighbors": 7, "prior_gain": 0.2},
    {"model": "ease", "ridge": 20, "blend": "slit", "blend_share": 0.3},
    {"model": "itemknn", "neighbors": 8, "blend": "rp3beta"},
    {"model": "ease", "ridge": 20, "exclude_seen": False},
    {"model": "slit", "ridge": 20, "exclude_seen": False, "repeat_gain": 0.3},
    {"model": "rp3beta", "neighbors": 7, "exclude_seen": False, "prior_gain": 0.2},
    {"model": "ease", "ridge": 20, "exclude_seen": False, "repeat_gain": 0},
    {"model": "popularity", "exclude_seen": False},
]


def made_of(interactions: Interactions, model: ModelSettings) -> tuple[Made, Memory]:
    memory = Memory()
    made = fit_model(interactions, model, memory.allocate, threads=2, limit_bytes=2**30, report=lambda *_: None)
    return made, memory


class Case(NamedTuple):
    """A model, its oracle (affinity, matrix, prior) and what was made of it: fitted once for all that is asked of it."""

    depth: int
    definition: tuple[Array, Array, Array]
    arrays: dict[str, Array]
    scale: Scale
    exclude_seen: bool


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    interactions, model = interactions_of(many()), ModelSettings.model_validate({"depth": 15, **request.param})
    made, similarity = made_of(interactions, model)
    scale = Scale(model.normalize, made.rows.weight_min, made.rows.weight_max)
    return Case(
        model.stored_depth, expected_model(interactions, model), {**made.arrays(model.normalize), **similarity}, scale, model.exclude_seen
    )


def test_lists_are_those_of_the_definition(case: Case) -> None:
    affinity, matrix, prior = case.definition
    scores, allowed = affinity @ matrix + prior, (affinity == 0) | (not case.exclude_seen)
    top = score_users(case.arrays, 0, len(affinity), case.scale, depth=case.depth, exclude_seen=case.exclude_seen)
    for user, n in enumerate(top.lengths.tolist()):
        listed = list(zip(top.items[user, :n].tolist(), top.scores[user, :n].tolist(), strict=True))
        assert_list(listed, scores[user], allowed[user], 15)
    assert top.lengths.max() == 15


def test_reasons_are_the_terms_of_the_score(case: Case) -> None:
    """Share · score is affinity · weight of the definition, whatever its sign, and the prior; for 200 users, and nothing is left out."""
    affinity, matrix, prior = case.definition
    top = score_users(case.arrays, 0, 200, case.scale, depth=10, exclude_seen=case.exclude_seen)
    reasons = explain_users(case.arrays, 0, 200, top, explain_depth=1000)
    for user, listed in enumerate(of_items(reasons)):
        for rank, contributors in enumerate(listed):
            item, score = int(top.items[user, rank]), float(top.scores[user, rank])
            terms = affinity[user] * matrix[:, item]
            shown = np.zeros_like(terms)
            for seen, share in contributors:
                shown[seen] = share * score
            np.testing.assert_allclose(shown, terms, atol=1e-4)
            own = float(reasons.priors[user, rank]) if reasons.priors.size else 0.0
            assert own * score == pytest.approx(prior[item], abs=1e-4)
            assert sum(share for _, share in contributors) + own == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("layout", [{}, {"neighbors": 5}], ids=["dense", "sparse"])
def test_where_lists_leave_out_what_was_seen_nothing_speaks_for_itself(layout: dict[str, int]) -> None:
    interactions, n_items = interactions_of(many()), len(interactions_of(many()).item_ids)
    own, matrices = {}, {}
    for exclude_seen in (True, False):
        model = ModelSettings.model_validate({"model": "itemknn", "exclude_seen": exclude_seen, "repeat_gain": 0.5, **layout})
        matrices[exclude_seen] = matrix_of(made_of(interactions, model)[1], n_items)
        own[exclude_seen] = np.diag(matrices[exclude_seen]).tolist()
    assert own == {True: [0.0] * n_items, False: [0.5] * n_items}
    np.testing.assert_array_equal(matrices[False] - 0.5 * np.eye(n_items, dtype=np.float32), matrices[True])


@pytest.mark.parametrize(("settings", "layout"), [({"model": "ease"}, "dense"), ({"model": "ease", "neighbors": 5}, "sparse")])
def test_the_layout_says_what_was_made(settings: dict[str, object], layout: str) -> None:
    made, similarity = made_of(interactions_of(many()), ModelSettings.model_validate(settings))
    assert made.fitted.layout == layout
    assert ("similarity" in similarity) == (layout == "dense")


def test_beside_a_prior_rows_have_no_exponent() -> None:
    """Decay by age over decades leaves little of old users: with a prior that is what they have."""
    later = 20 * 365 * DAY_S
    events = [*((user, item, weight, time + later) for user, item, weight, time in many()), (9999, 1, 1.0, 0), (9999, 2, 1.0, 0)]
    interactions = interactions_of(events)
    model = {"model": "ease", "ridge": 20, "affinity": "binary:now:30"}
    alone, _ = made_of(interactions, ModelSettings.model_validate(model))
    beside, _ = made_of(interactions, ModelSettings.model_validate({**model, "prior_gain": 0.1}))
    assert alone.rows.exponent.min() < -100
    assert not beside.rows.exponent.any()
    whole = np.ldexp(alone.rows.affinity, np.repeat(alone.rows.exponent, np.diff(alone.rows.indptr)))
    np.testing.assert_array_equal(beside.rows.affinity, whole)


def test_sar_with_a_prior_has_its_own_weights_and_sar_alone_is_as_it_was() -> None:
    interactions = interactions_of(many())
    plain, similarity = made_of(interactions, ModelSettings(normalize=False))
    beside, same = made_of(interactions, ModelSettings(normalize=False, prior_gain=0.5))
    assert "similarity" in same
    for name, values in same.items():
        np.testing.assert_array_equal(values, similarity[name])
    ends = np.repeat(plain.rows.exponent, np.diff(plain.rows.indptr))
    np.testing.assert_array_equal(np.ldexp(plain.rows.affinity, ends), beside.rows.affinity)
    assert not plain.prior
    assert beside.prior["prior"].max() == np.float32(0.5)


@pytest.mark.parametrize("model", ["slit", "trending"])
def test_what_needs_times_is_refused_without(model: str) -> None:
    with pytest.raises(SettingsError, match="no times"):
        made_of(interactions_of(many(), times=False), ModelSettings.model_validate({"model": model}))


def test_a_model_that_does_not_fit_is_refused_with_a_way_out() -> None:
    interactions = interactions_of(many())
    with pytest.raises(SettingsError, match=r"ease would take .* raise LARDER_MAX_MEMORY_GB, or .*--neighbors 200"):
        fit_model(interactions, ModelSettings(model="ease"), Memory().allocate, threads=1, limit_bytes=1e4, report=lambda *_: None)


def test_a_blend_costs_both() -> None:
    pairs = user_rows(interactions_of(many()))
    limits = Limits(threads=1)
    model = ModelSettings(model="ease", blend="rp3beta", ridge=20, neighbors=6)
    both, one = cost_of(Shape.of(pairs), model, limits), cost_of(Shape.of(pairs), model.model_copy(update={"blend": ""}), limits)
    assert both.counting_steps > one.counting_steps
    assert fitted(pairs, model, limits).matrix.n_bytes <= both.matrix_bytes <= both.peak_bytes


def test_dense_tiles_end_with_zeros() -> None:
    _, similarity = made_of(interactions_of(many()), ModelSettings(model="ease", ridge=20))
    tiles: Array = similarity["similarity"]
    n_items = tiles.shape[1]
    assert n_items % 64
    assert not tiles[-1][:, n_items % 64 :].any()


@pytest.mark.parametrize("own", [{}, {"exclude_seen": False, "repeat_gain": 9}], ids=["unseen", "again"])
@pytest.mark.parametrize("settings", [{"model": "ease", "ridge": 20}, {"model": "slit", "ridge": 20, "neighbors": 12}], ids=str)
def test_similar_items_are_what_speaks_for_an_item(settings: dict[str, object], own: dict[str, object]) -> None:
    """From the column of what scores are made with; none that is left out, and no hole for it."""
    interactions, model = interactions_of(many()), ModelSettings.model_validate({**settings, **own})
    n_items, left_out = len(interactions.item_ids), np.array([1, 5], np.int32)
    memory = Memory()
    how = {"threads": 2, "limit_bytes": 2**30, "report": lambda *_: None}
    made = fit_model(interactions, model, memory.allocate, similar=Similar(4, left_out), **how)  # type: ignore[arg-type]
    arrays = {**made.arrays(normalize=False), **memory, "excluded": left_out}
    matrix = matrix_of(memory, n_items)
    top = similar_items(arrays, np.arange(n_items, dtype=np.int32), depth=4)
    for item, n in enumerate(top.lengths.tolist()):
        column = matrix[:, item].tolist()
        others = [other for other, value in enumerate(column) if value > 0 and other not in (item, 1, 5)]
        assert top.items[item, :n].tolist() == sorted(others, key=lambda other: (-column[other], other))[:4]
    assert top.lengths.max() == 4


def test_a_model_that_is_a_vector_alone_has_similar_items_by_cosine() -> None:
    interactions = interactions_of(many())
    pairs, n_items = user_rows(interactions), len(interactions.item_ids)
    similar = Similar(3, np.empty(0, np.int32))
    how = {"threads": 1, "limit_bytes": 2**30, "report": lambda *_: None}
    made = fit_model(interactions, ModelSettings(model="popularity"), Memory().allocate, similar=similar, **how)  # type: ignore[arg-type]
    x = (oracles.dense(pairs) > 0).astype(float)
    cosine = oracles.itemknn(x, "cosine", 10.0)
    ends, values = made.similar["similar_indptr"], made.similar["similar_data"]
    for item in range(n_items):
        found = np.sort(values[ends[item] : ends[item + 1]])[::-1]
        np.testing.assert_allclose(found, np.sort(cosine[:, item])[::-1][: found.size], rtol=1e-5)
    assert ends[-1] == 3 * n_items
