"""Columns and dense matrices: choosing, turning, adding; cut Gram matrices; systems that are not positive definite."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from contract.errors import SettingsError
from engine.arrays import Array
from engine.linear import column_kernels, gram, inverse, ridge_kernels
from engine.linear.matrix import Columns, Dense, Fitted, Limits, Shape
from engine.models import ease, edlae, slit
from engine.models.blend import blend
from engine.models.trend import Parameters as TrendParameters
from engine.models.trend import popularity, prior
from tests.support.models import oracles

LIMITS = Limits(threads=2)


@pytest.mark.parametrize("seed", range(20))
def test_the_greatest_are_those_of_a_stable_sort(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(-4, 5, random.integers(1, 60)).astype(float)  # ties and zeros
    most = int(random.integers(1, 20))
    items, magnitudes = np.empty(most, np.int32), np.empty(most)
    n = column_kernels.greatest(values, most, items, magnitudes)
    order = np.lexsort((np.arange(values.size), -np.abs(values)))
    assert items[:n].tolist() == sorted(order[: min(most, np.count_nonzero(values))].tolist())


def laid_out(matrix: Array, layout: str) -> Dense | Columns:
    return Dense(matrix.copy()) if layout == "dense" else columns(matrix)


def columns(matrix: Array) -> Columns:
    cols, rows = np.nonzero(matrix.T)
    return Columns(
        np.concatenate(([0], np.cumsum(np.count_nonzero(matrix, axis=0)))).astype(np.int64),
        rows.astype(np.int32),
        matrix.T[cols, rows].astype(np.float32),
    )


def test_columns_turn_into_rows() -> None:
    random = np.random.default_rng(0)
    matrix = np.where(random.random((9, 9)) < 0.3, random.normal(size=(9, 9)), 0).astype(np.float32)
    made = columns(matrix)
    np.testing.assert_array_equal(made.to_dense(), matrix)
    indptr, items, values = made.to_rows()
    np.testing.assert_array_equal(columns(matrix.T).values, values)
    np.testing.assert_array_equal(columns(matrix.T).item_idx, items)
    np.testing.assert_array_equal(columns(matrix.T).indptr, indptr)
    assert made.row_work == pytest.approx(np.count_nonzero(matrix) / 9)


@pytest.mark.parametrize("first", ["dense", "columns"])
@pytest.mark.parametrize("second", ["dense", "columns"])
def test_a_blend_is_the_weighted_sum(first: str, second: str) -> None:
    random = np.random.default_rng(1)
    one, two = (np.where(random.random((8, 8)) < 0.4, random.normal(size=(8, 8)), 0).astype(np.float32) for _ in range(2))
    expected = 0.7 * one + 0.3 * two
    mixed = blend(Fitted(laid_out(one, first), np.ones(8, np.float32)), Fitted(laid_out(two, second)), 0.3)
    assert isinstance(mixed.matrix, Columns if first == second == "columns" else Dense)
    found = mixed.matrix.to_dense() if isinstance(mixed.matrix, Columns) else mixed.matrix.values
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert mixed.prior is not None
    np.testing.assert_allclose(mixed.prior, 0.7, rtol=1e-6)
    assert blend(Fitted(columns(one)), Fitted(columns(two))).prior is None


@pytest.mark.parametrize("dense", [True, False])
def test_scores_are_affinity_times_matrix_plus_prior(dense: bool) -> None:
    rows = oracles.random_rows(4, weighted=True)
    random = np.random.default_rng(2)
    matrix = random.normal(size=(25, 25)).astype(np.float32)
    extra = random.random(25).astype(np.float32)
    fitted = Fitted(Dense(matrix) if dense else columns(matrix), extra)
    for user in (0, 5, 9):
        np.testing.assert_allclose(fitted.scores(rows, user), oracles.dense(rows)[user] @ matrix + extra, rtol=1e-5, atol=1e-5)


def test_a_cut_gram_matrix_keeps_the_nearest_and_stays_in_its_memory() -> None:
    rows = oracles.random_rows(8, n_users=300, n_items=60)
    source = gram.Gram(rows)
    full = oracles.dense(rows).T @ oracles.dense(rows)
    all_of_it = gram.sparse(source, 1e9, 2)
    assert all_of_it.values.size == np.count_nonzero(full - np.diag(np.diag(full)))
    cut = gram.sparse(source, 8 * 60 * 10, 2)
    assert 60 * 8 <= cut.values.size <= 600
    assert int(np.diff(cut.indptr).max()) <= 60
    with np.errstate(all="ignore"):
        cosines = np.nan_to_num(full / np.sqrt(np.diag(full)))
    np.fill_diagonal(cosines, 0)
    for i in range(60):
        part = slice(int(cut.indptr[i]), int(cut.indptr[i + 1]))
        np.testing.assert_allclose(cut.values[part], full[i, cut.item_idx[part]])
        left_out = np.delete(cosines[i], cut.item_idx[part])
        assert part.start == part.stop or cosines[i, cut.item_idx[part]].min() >= left_out.max()


def test_ease_from_a_cut_gram_matrix_is_near_the_whole() -> None:
    """A limit that holds no whole Gram matrix: the fit goes on with what fits, and says so in its cost."""
    rows = oracles.random_rows(8, n_users=600, n_items=400)
    shape, parameters = Shape.of(rows), ease.Parameters(ridge=20.0, neighbors=20)
    fixed = ease.cost(shape, parameters, Limits(threads=1)).peak_bytes - 4 * 400**2
    tight = Limits(memory_bytes=fixed + 0.5 * 4 * 400**2, threads=1)
    assert ease.cost(shape, parameters, tight).peak_bytes <= tight.memory_bytes
    assert ease.cost(shape, parameters, tight).counting_steps > ease.cost(shape, parameters, Limits()).counting_steps
    exact, cut = (ease.fit(rows, parameters, limits).matrix for limits in (Limits(threads=1), tight))
    assert isinstance(exact, Columns)
    assert isinstance(cut, Columns)
    np.testing.assert_array_equal(exact.item_idx, cut.item_idx)
    assert np.corrcoef(exact.values, cut.values)[0, 1] > 0.9


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 40])
def test_solve(n: int) -> None:
    random = np.random.default_rng(n)
    x = random.normal(size=(n + 5, n))
    a, b = x.T @ x, random.normal(size=n)
    found = b.copy()
    assert ridge_kernels.solve_raised(np.triu(a), found, np.empty((n, n)), np.empty(n), n) == 0
    np.testing.assert_allclose(found, np.linalg.solve(a, b), rtol=1e-7)


def test_a_system_that_is_not_positive_definite_is_raised_until_it_is() -> None:
    a, b = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([1.0, 1.0])
    raised = ridge_kernels.solve_raised(a, b, np.empty((2, 2)), np.empty(2), 2)
    assert raised > 1
    np.testing.assert_allclose(b, np.linalg.solve(a + raised * np.eye(2), np.ones(2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [1, 50, 65, 1024])
def test_the_inverse_is_made_in_place(dtype: type[np.float32 | np.float64], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(200, 130))
    matrix: Array = np.ascontiguousarray(x.T @ x + 10 * np.eye(130), dtype)
    expected: Array = np.linalg.inv(matrix.astype(float))
    monkeypatch.setattr(inverse, "BLOCK", block)
    monkeypatch.setattr(inverse, "STRIP", 37)
    done: list[tuple[int, int]] = []
    inverse.invert(matrix, 2, lambda *at: done.append(at))
    np.testing.assert_allclose(matrix, expected, atol=1e-6)
    assert done[-1] == (130, 130)


def test_what_is_not_positive_definite_is_said() -> None:
    with pytest.raises(SettingsError, match="raise lambda"):
        inverse.invert(-np.eye(3), 1)


@pytest.mark.parametrize("neighbors", [0, 3])
def test_items_that_nobody_has_score_nothing(neighbors: int) -> None:
    rows = oracles.random_rows(2)
    by_ease = ease.fit(rows, ease.Parameters(5.0, neighbors), LIMITS)
    for fitted in (by_ease, slit.fit(rows, slit.Parameters(5.0, neighbors=neighbors), LIMITS)):
        values = fitted.matrix.values if isinstance(fitted.matrix, Dense) else fitted.matrix.to_dense()
        assert np.isfinite(values).all()
        assert not values[3].any()
        assert not values[:, 3].any()


def test_a_prior_is_scaled_by_its_gain_and_forgets_what_is_outside_its_window() -> None:
    rows = oracles.random_rows(6)
    assert rows.timestamps is not None
    assert prior(rows, TrendParameters(gain=0)) is None
    found = prior(rows, TrendParameters(gain=0.3, half_life_days=14))
    assert found is not None
    assert found.max() == pytest.approx(0.3)
    late = rows.timestamps >= rows.newest - 30 * 86400
    np.testing.assert_allclose(popularity(rows, window_days=30), np.bincount(rows.item_idx[late], minlength=25))
    np.testing.assert_allclose(popularity(rows), rows.item_counts())


@pytest.mark.parametrize("model", [ease, edlae], ids=lambda model: model.__name__)
def test_the_index_by_item_is_gone_before_the_inverse_begins(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[gram.Gram]] = []
    left: list[object] = []
    invert = inverse.invert

    def watched(self: gram.Gram, start: int, end: int, upper: bool, out: Any) -> None:
        made.append(weakref.ref(self))
        fill(self, start, end, upper, out)

    def look(matrix: Any, threads: int) -> None:
        left.append(made[0]())
        invert(matrix, threads)

    fill = gram.Gram.fill
    monkeypatch.setattr(gram.Gram, "fill", watched)
    monkeypatch.setattr(inverse, "invert", look)
    model.fit(oracles.random_rows(8, n_users=30, n_items=20), model.Parameters(), LIMITS)
    assert left == [None]
