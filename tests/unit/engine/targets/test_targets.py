"""Matrices with a target equal ten lines of NumPy in float64; a purchase does not predict itself, and a view of the same item may."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from contract.errors import SettingsError
from contract.settings.settings import Similarity
from engine.arrays import Array
from engine.linear.matrix import Columns, Dense, Limits
from engine.targets import counted, ridge
from engine.weighing.rows import UserRows, rows_of_events
from tests.support.models import oracles

N_USERS, N_ITEMS = 60, 25
LIMITS = Limits(threads=2)


def three(seed: int, *, weighted: bool = False) -> tuple[UserRows, UserRows, UserRows]:
    """Pairs of any type, of the target, and of all other types."""
    rng = np.random.default_rng(seed)
    viewed, bought = rng.random((N_USERS, N_ITEMS)) < 0.15, rng.random((N_USERS, N_ITEMS)) < 0.08
    bought |= viewed & (rng.random(viewed.shape) < 0.2)
    viewed[:, 3], bought[:, 4], viewed[:, 5], bought[:, 5] = False, False, False, False

    def rows(mask: Array) -> UserRows:
        user, item = np.nonzero(mask)
        weights = rng.uniform(0.2, 2.0, user.size) if weighted else np.ones(user.size)
        return rows_of_events(user, item, weights.astype(np.float32), None, N_USERS, N_ITEMS)

    return rows(viewed | bought), rows(bought), rows(viewed)


def whole(matrix: Dense | Columns) -> Array:
    return matrix.values if isinstance(matrix, Dense) else matrix.to_dense()


def dense(rows: tuple[UserRows, UserRows, UserRows]) -> tuple[Array, Array, Array]:
    x, b, v = map(oracles.dense, rows)
    return x, b, v


def cross_ridge(x: Array, b: Array, v: Array, penalty: float) -> Array:
    """Column by column, with the item's own column of other events in place of all events."""
    s = np.zeros((N_ITEMS, N_ITEMS))
    for j in range(N_ITEMS):
        own = x.copy()
        own[:, j] = v[:, j]
        s[:, j] = np.linalg.solve(own.T @ own + penalty * np.eye(N_ITEMS), own.T @ b[:, j])
    return s


def formula(kind: Similarity, c: float, left: float, right: float) -> float:
    lift = c / (left * right)
    found: dict[Similarity, float] = {
        "cooccurrence": c,
        "cosine": c / (left * right) ** 0.5,
        "inclusion index": c / min(left, right),
        "jaccard": c / (left + right - c),
        "lift": lift,
        "mutual information": np.log2(N_ITEMS * lift),
        "lexicographers mutual information": c * np.log2(N_ITEMS * lift),
    }
    return found[kind]


def cross_counts(x: Array, b: Array, v: Array, kind: Similarity, threshold: int) -> Array:
    s = np.zeros((N_ITEMS, N_ITEMS))
    for i in range(N_ITEMS):
        for j in range(N_ITEMS):
            met, took = (v if i == j else x)[:, i] > 0, b[:, j] > 0
            c, left, right = (met & took).sum(), met.sum(), took.sum()
            if c >= threshold:
                s[i, j] = formula(kind, c, left, right)
    return s


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_a_regression_is_that_of_numpy_column_by_column(weighted: bool, penalty: float) -> None:
    for seed in range(3):
        rows = three(seed, weighted=weighted)
        expected = cross_ridge(*dense(rows), penalty)
        np.testing.assert_allclose(whole(ridge.fit(*rows, penalty, 0, LIMITS)), expected, atol=1e-5)


def test_a_regression_in_float32_is_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = three(7)
    exact = whole(ridge.fit(*rows, 5.0, 0, LIMITS))
    monkeypatch.setattr(ridge, "FLOAT64_ITEMS", 0)
    short = whole(ridge.fit(*rows, 5.0, 0, LIMITS))
    assert (short != exact).any()
    np.testing.assert_allclose(short, exact, atol=1e-5)


def test_neighbors_keep_the_greatest_of_each_column() -> None:
    rows = three(2)
    found = ridge.fit(*rows, 5.0, 4, LIMITS)
    np.testing.assert_allclose(whole(found), oracles.cut_columns(cross_ridge(*dense(rows), 5.0), 4), atol=1e-5)


def test_a_regression_that_memory_does_not_hold_is_refused_with_what_would_fit() -> None:
    with pytest.raises(SettingsError, match=r"ease with a target would take .* or take --model sar"):
        ridge.fit(*three(1), 5.0, 0, Limits(1000.0, 1))


@pytest.mark.parametrize("kind", get_args(Similarity))
@pytest.mark.parametrize("threshold", [1, 2])
def test_the_seven_similarities_between_who_met_and_who_took(kind: Any, threshold: int) -> None:
    for seed in range(3):
        rows = three(seed, weighted=True)
        expected = cross_counts(*dense(rows), kind, threshold)
        np.testing.assert_allclose(whole(counted.fit(*rows, kind, threshold, 0, LIMITS)), expected, atol=1e-5)
        few = whole(counted.fit(*rows, kind, threshold, 3, LIMITS))
        np.testing.assert_allclose(few, oracles.cut_columns(expected, 3), atol=1e-5)


def test_counts_are_the_same_in_both_layouts_and_refused_where_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = three(4)
    tiles = counted.fit(*rows, "jaccard", 1, 0, LIMITS)
    monkeypatch.setattr(counted, "DENSE_FROM", 1.0)
    sparse = counted.fit(*rows, "jaccard", 1, 0, LIMITS)
    assert isinstance(tiles, Dense)
    assert isinstance(sparse, Columns)
    np.testing.assert_array_equal(whole(tiles), whole(sparse))
    with pytest.raises(SettingsError, match="--neighbors 200"):
        counted.fit(*rows, "jaccard", 1, 0, Limits(1000.0, 2))


def test_what_is_only_bought_says_nothing_of_itself_and_what_is_viewed_does() -> None:
    """Item 3 is bought and never viewed."""
    rows = three(3)
    for matrix in (whole(ridge.fit(*rows, 5.0, 0, LIMITS)), whole(counted.fit(*rows, "jaccard", 1, 0, LIMITS))):
        assert matrix[3, 3] == 0
        assert (np.delete(matrix.diagonal(), [3, 4, 5]) != 0).mean() > 0.8
        assert not matrix[:, 4].any(), "nobody buys it"
        assert matrix[4].any(), "but its views say something"
