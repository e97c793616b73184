"""Weights equal their definition, user by user, whatever the kind, the decay, the power and the scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contract.errors import SettingsError
from engine.weighing.affinity import DAY_S, GRAM, Affinity, Decay, lasting, weigh
from engine.weighing.rows import UserRows
from tests.support.models import oracles


def expected(rows: UserRows, affinity: Affinity) -> npt.NDArray[Any]:
    assert rows.timestamps is not None
    out = np.zeros((rows.n_users, rows.n_items))
    for user in range(rows.n_users):
        part = slice(int(rows.indptr[user]), int(rows.indptr[user + 1]))
        weights, times = rows.weights[part].astype(float), rows.timestamps[part]
        if not times.size:
            continue
        value = {"binary": np.ones_like(weights), "weights": weights, "log": np.log(1 + weights)}[affinity.kind]
        half_life = affinity.half_life_days * DAY_S
        decay = {
            "none": np.ones_like(weights),
            "now": 0.5 ** ((rows.timestamps.max() - times) / half_life),
            "own-last": 0.5 ** ((times.max() - times) / half_life),
            "rank": affinity.base ** (times[None, :] > times[:, None]).sum(1),
        }[affinity.decay]
        row = value * decay**affinity.power
        out[user, rows.item_idx[part]] = row / row.sum() ** affinity.scale
    return out


@pytest.mark.parametrize("kind", ["binary", "weights", "log"])
@pytest.mark.parametrize("decay", ["none", "now", "own-last", "rank"])
@pytest.mark.parametrize(("power", "scale"), [(1, 0), (0.5, 0), (1, 0.5), (0.5, 0.3), (1, 1)])
@pytest.mark.parametrize("moments", [5, 0])
def test_weights_are_as_defined(kind: Any, decay: Any, power: float, scale: float, moments: int) -> None:
    rows = oracles.random_rows(3, weighted=True, moments=moments)
    affinity = Affinity(kind, decay, half_life_days=20, base=0.8, power=power, scale=scale)
    found = weigh(rows, affinity)
    np.testing.assert_allclose(oracles.dense(found.whole()), expected(rows, affinity), rtol=1e-5)
    if decay != "now":
        assert not found.exponents.any()


def test_rows_that_are_old_as_a_whole_do_not_underflow() -> None:
    times = np.array([0, 86400 * 30, 86400 * 100_000], np.int64)
    rows = UserRows(np.array([0, 2, 3]), np.array([0, 1, 0], np.int16), np.ones(3, np.float32), times, 2)
    found = weigh(rows, Affinity("binary", "now", half_life_days=30))
    assert found.rows.weights.tolist()[1] / found.rows.weights.tolist()[0] == pytest.approx(2)
    assert 1 <= found.rows.weights[1] < 2
    assert found.exponents.tolist() == [-3333, 0]  # 99,970 days are 3332.3 half-lives
    assert found.whole().weights.tolist() == [0, 0, 1]


def test_events_after_now_are_not_older_than_now() -> None:
    rows = UserRows(np.array([0, 2]), np.array([0, 1], np.int16), np.ones(2, np.float32), np.array([0, 86400 * 10], np.int64), 2)
    found = weigh(rows, Affinity("binary", "now", half_life_days=10), now=0).whole()
    assert found.weights.tolist() == [1, 1]


def test_rows_without_times_do_not_decay() -> None:
    rows = UserRows(np.array([0, 2]), np.array([0, 1], np.int16), np.full(2, 3, np.float32), None, 2)
    decays: tuple[Decay, ...] = ("now", "own-last", "rank")
    for decay in decays:
        assert weigh(rows, Affinity("weights", decay)).whole().weights.tolist() == [3, 3]
    assert lasting(rows, GRAM) == GRAM


def test_a_half_life_is_doubled_until_enough_is_left() -> None:
    days = np.arange(0, 8000, 10, dtype=np.int64)
    n = days.size
    rows = UserRows(np.arange(0, n + 1, n), np.arange(n, dtype=np.int16), np.ones(n, np.float32), days * DAY_S, n)
    found = lasting(rows, GRAM)
    ages = (7990 - days).astype(float)
    assert np.exp2(-ages / found.half_life_days).sum() >= 0.25 * n > np.exp2(-ages / (found.half_life_days / 2)).sum()
    assert lasting(rows, GRAM, share=0.01) == GRAM
    assert lasting(rows, Affinity("binary", "own-last")) == Affinity("binary", "own-last")


@pytest.mark.parametrize("wrong", [{"kind": "binry"}, {"decay": "last"}, {"half_life_days": 0}, {"base": 1.1}, {"scale": -1}])
def test_what_is_not_known_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="affinity"):
        Affinity(**wrong)
