"""Models equal their definition in float64, in both layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contract.errors import SettingsError
from engine.linear.matrix import Columns, Dense, Fitted, Limits, Shape
from engine.models import ease, edlae, itemknn, popularity, rp3beta, slit, trending
from engine.models.family import MODELS
from engine.weighing.rows import UserRows
from tests.support.models import oracles

SEEDS = range(6)
LIMITS = Limits(threads=2)
TOLERANCE = 1e-5


def matrix_of(fitted: Fitted) -> npt.NDArray[Any]:
    return fitted.matrix.values if isinstance(fitted.matrix, Dense) else fitted.matrix.to_dense()


def assert_same(fitted: Fitted, expected: npt.NDArray[Any], layout: type) -> None:
    assert isinstance(fitted.matrix, layout)
    assert matrix_of(fitted).dtype == np.float32
    np.testing.assert_allclose(matrix_of(fitted), expected, rtol=TOLERANCE, atol=TOLERANCE)
    assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_ease(seed: int) -> None:
    rows = oracles.random_rows(seed)
    assert_same(ease.fit(rows, ease.Parameters(ridge=2.0), LIMITS), oracles.ease(oracles.dense(rows), 2.0), Dense)


@pytest.mark.parametrize("seed", SEEDS)
def test_ease_in_single_precision(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.linear.ridge.FLOAT64_ITEMS", 0)
    rows = oracles.random_rows(seed, weighted=True)
    assert_same(ease.fit(rows, ease.Parameters(ridge=30.0), LIMITS), oracles.ease(oracles.dense(rows), 30.0), Dense)


@pytest.mark.parametrize("seed", SEEDS)
def test_edlae(seed: int) -> None:
    rows = oracles.random_rows(seed, weighted=True)
    expected = oracles.edlae(oracles.dense(rows), 0.6, 2.0)
    assert_same(edlae.fit(rows, edlae.Parameters(dropout=0.6, ridge=2.0), LIMITS), expected, Dense)


def test_ease_with_all_neighbors_is_the_whole() -> None:
    """Where every two items have a user in common."""
    rows = oracles.random_rows(1, n_users=3000, n_items=12)
    kept = np.delete(np.arange(12), 3)  # item 3 has no users: nothing is near it
    x = oracles.dense(rows)
    assert (x.T @ x)[np.ix_(kept, kept)].min() > 0
    expected = oracles.ease(x, 5.0)
    assert_same(ease.fit(rows, ease.Parameters(ridge=5.0, neighbors=12), LIMITS), expected, Columns)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("whole", [True, False])
def test_local_ridge(seed: int, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same from a whole Gram matrix and from a sparse one that holds all."""
    monkeypatch.setattr("engine.linear.ridge._holds_whole", lambda *_: whole)
    rows = oracles.random_rows(seed, weighted=True)
    gram = oracles.dense(rows).T @ oracles.dense(rows)
    added = 0.5 / 0.5 * np.diag(gram) + 3.0
    expected = oracles.local(gram, gram, added, 6)
    assert_same(edlae.fit(rows, edlae.Parameters(dropout=0.5, ridge=3.0, neighbors=6), LIMITS), expected, Columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_rp3beta(seed: int) -> None:
    rows = oracles.random_rows(seed, weighted=True)
    expected = oracles.rp3beta(oracles.dense(rows), 0.8, 0.4)
    assert_same(rp3beta.fit(rows, rp3beta.Parameters(alpha=0.8, beta=0.4), LIMITS), expected, Dense)
    cut = rp3beta.fit(rows, rp3beta.Parameters(alpha=0.8, beta=0.4, neighbors=5), LIMITS)
    assert_same(cut, oracles.cut_columns(expected, 5), Columns)


@pytest.mark.parametrize("weighting", itemknn.WEIGHTINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_itemknn(seed: int, weighting: Any) -> None:
    rows = oracles.random_rows(seed, weighted=True)
    expected = oracles.itemknn(oracles.dense(rows), weighting, 4.0)
    assert_same(itemknn.fit(rows, itemknn.Parameters(weighting, 4.0, 0), LIMITS), expected, Dense)
    cut = matrix_of(itemknn.fit(rows, itemknn.Parameters(weighting, 4.0, 5), LIMITS))
    assert (np.count_nonzero(cut, axis=0) <= 5).all()
    kept = cut != 0
    np.testing.assert_allclose(cut[kept], expected[kept], rtol=TOLERANCE, atol=TOLERANCE)
    # What was left out is no greater than the least that was kept, up to ties.
    least = np.where(kept, expected, np.inf).min(axis=0)
    assert (np.where(kept, 0, expected) <= least + 1e-6).all()


@pytest.mark.parametrize(("past", "future"), [(0.9, 0.9), (0.7, 0.2), (1.0, 1.0), (0.8, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("moments", [4, 0])
def test_slit(past: float, future: float, moments: int) -> None:
    """`moments` few: baskets."""
    rows = oracles.random_rows(7, weighted=True, moments=moments)
    expected = oracles.slit(rows, 20.0, past, future)
    assert_same(slit.fit(rows, slit.Parameters(20.0, past, future), LIMITS), expected, Dense)


@pytest.mark.parametrize("whole", [True, False])
def test_local_slit(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all items that ever came before, the regression on them; whole or sparse Gram matrix alike."""
    monkeypatch.setattr("engine.linear.ridge._holds_whole", lambda *_: whole)
    rows = oracles.random_rows(7, n_users=300, n_items=12)
    expected = oracles.slit(rows, 20.0, 0.9, 0.9)
    assert_same(slit.fit(rows, slit.Parameters(20.0, 0.9, 0.9, neighbors=12), LIMITS), expected, Columns)
    few = matrix_of(slit.fit(rows, slit.Parameters(20.0, neighbors=4), LIMITS))
    assert (np.count_nonzero(few, axis=0) <= 4).all()


def test_slit_knows_the_direction() -> None:
    """Item 0, then item 1, for everybody: 0 speaks for 1, and 1 for nothing."""
    rows = UserRows(np.arange(0, 41, 2), np.tile([0, 1], 20).astype(np.int32), np.ones(40, np.float32), np.tile([5, 9], 20), 2)
    s = matrix_of(slit.fit(rows, slit.Parameters(ridge=1.0), LIMITS))
    assert s[0, 1] == pytest.approx(20 / 21)
    assert s[1, 0] == s[0, 0] == s[1, 1] == 0


def test_popularity_and_trending_rank_by_their_counts() -> None:
    rows = oracles.random_rows(3)
    assert rows.timestamps is not None
    counts = oracles.dense(rows).sum(0)
    found = popularity.fit(rows, popularity.Parameters(), LIMITS)
    assert found.prior is not None
    np.testing.assert_allclose(found.prior, counts / counts.max(), rtol=1e-6)
    decayed = np.zeros_like(oracles.dense(rows))
    users = np.repeat(np.arange(rows.n_users), rows.widths())
    decayed[users, rows.item_idx] = 0.5 ** ((rows.timestamps.max() - rows.timestamps) / 86400 / 7)
    late = trending.fit(rows, trending.Parameters(half_life_days=7), LIMITS)
    assert late.prior is not None
    np.testing.assert_allclose(late.prior, decayed.sum(0) / decayed.sum(0).max(), rtol=1e-5)
    assert late.matrix.n_bytes == 8 * (rows.n_items + 1)
    np.testing.assert_allclose(late.scores(rows, 5), late.prior, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_whatever_the_threads_and_the_width_of_positions(name: str) -> None:
    rows = oracles.random_rows(11, n_users=200, n_items=70)
    wide = UserRows(rows.indptr, rows.item_idx.astype(np.int32), rows.weights, rows.timestamps, rows.n_items)
    model = MODELS[name]
    one = matrix_of(model.fit(rows, model.parameters(), Limits(threads=1)))
    for same, threads in ((rows, 3), (wide, 2)):
        other = matrix_of(model.fit(same, model.parameters(), Limits(threads=threads)))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"popularity", "trending"}))
@pytest.mark.parametrize("neighbors", [0, 5])
def test_what_it_costs(name: str, neighbors: int) -> None:
    rows = oracles.random_rows(5, n_users=400, n_items=120)
    model, parameters = MODELS[name], MODELS[name].parameters(neighbors=neighbors)
    cost = model.cost(Shape.of(rows), parameters, LIMITS)
    made = model.fit(rows, parameters, LIMITS).matrix
    assert made.n_bytes <= cost.matrix_bytes <= cost.peak_bytes
    assert made.n_bytes >= 0.5 * cost.matrix_bytes
    assert cost.counting_steps > 0
    assert made.row_work <= (neighbors or rows.n_items)


@pytest.mark.parametrize("name", ["ease", "edlae", "rp3beta", "itemknn", "slit"])
def test_a_fit_that_would_not_fit_in_memory_is_refused(name: str) -> None:
    rows, model = oracles.random_rows(5), MODELS[name]
    with pytest.raises(SettingsError, match=rf"{name} would take .* GiB, and the limit is .*--neighbors"):
        model.fit(rows, model.parameters(neighbors=0), Limits(memory_bytes=1000))


@pytest.mark.parametrize("name", sorted(name for name, model in MODELS.items() if model.needs_times))
def test_what_needs_times_says_so(name: str) -> None:
    rows = oracles.random_rows(5)
    timeless, model = UserRows(rows.indptr, rows.item_idx, rows.weights, None, rows.n_items), MODELS[name]
    with pytest.raises(SettingsError, match="no times"):
        model.fit(timeless, model.parameters(), LIMITS)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ease.Parameters(ridge=0), "ease: ridge is 0"),
        (lambda: edlae.Parameters(dropout=1), "edlae: dropout is 1"),
        (lambda: rp3beta.Parameters(alpha=float("nan")), "rp3beta: alpha is nan"),
        (lambda: slit.Parameters(past=1.5), "slit: past is 1.5"),
        (lambda: itemknn.Parameters(neighbors=-1), "itemknn: neighbors is -1"),
        (lambda: itemknn.Parameters(weighting="tfdif"), "'tfdif' is not known"),  # type: ignore[arg-type]
        (lambda: trending.Parameters(half_life_days=0), "trending: half_life_days is 0"),
    ],
)
def test_parameters_out_of_bounds_are_refused(make: Any, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        make()
