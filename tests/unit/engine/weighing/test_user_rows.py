"""Events become rows: one entry per pair, sums of weights, newest times."""

from __future__ import annotations

import numpy as np
import pytest

from engine.weighing.rows import rows_of_events


@pytest.mark.parametrize("n_items", [40, 40_000])
def test_rows_of_events(n_items: int) -> None:
    random = np.random.default_rng(0)
    user, item = random.integers(0, 30, 2000), random.integers(0, 40, 2000)
    user[user == 7] = 8  # a user without events
    weight, time = random.random(2000).astype(np.float32), random.integers(0, 10**9, 2000)
    rows = rows_of_events(user, item, weight, time, 31, n_items)
    assert rows.item_idx.dtype == (np.int16 if n_items <= 32_768 else np.int32)
    assert rows.weights.dtype == np.float32
    assert rows.indptr.dtype == np.int64
    assert rows.timestamps is not None
    assert rows.newest == time.max()
    pairs = sorted(set(zip(user.tolist(), item.tolist(), strict=True)))
    found = list(zip(np.repeat(np.arange(31), rows.widths()).tolist(), rows.item_idx.tolist(), strict=True))
    assert found == pairs
    for at, (u, i) in enumerate(pairs):
        here = (user == u) & (item == i)
        assert rows.timestamps[at] == time[here].max()
        assert rows.weights[at] == pytest.approx(weight[here].sum(), rel=1e-6)
    np.testing.assert_allclose(rows.row_sums().sum(), weight.sum(), rtol=1e-5)
    np.testing.assert_allclose(rows.item_sums()[:40], np.bincount(item, weights=weight), rtol=1e-5)


def test_the_order_of_events_changes_nothing() -> None:
    random = np.random.default_rng(1)
    user, item, time = random.integers(0, 9, 300), random.integers(0, 9, 300), random.integers(0, 99, 300)
    order = random.permutation(300)
    one = rows_of_events(user, item, np.ones(300, np.float32), time, 9, 9)
    two = rows_of_events(user[order], item[order], np.ones(300, np.float32), time[order], 9, 9)
    for name in ("indptr", "item_idx", "weights", "timestamps"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_by_item_is_the_transpose() -> None:
    rows = rows_of_events(np.array([2, 0, 2, 1]), np.array([1, 1, 0, 3]), np.ones(4, np.float32), None, 3, 4)
    ends, users, at = rows.by_item()
    assert ends.tolist() == [0, 1, 3, 3, 4]
    assert users.tolist() == [2, 0, 2, 1]
    assert rows.item_idx[at].tolist() == [0, 1, 1, 3]


def test_no_events_make_empty_rows() -> None:
    rows = rows_of_events(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int64), 2, 3)
    assert (rows.n_users, rows.n_pairs, rows.newest) == (2, 0, 0)
