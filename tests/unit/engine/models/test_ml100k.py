"""Published and measured quality on MovieLens 100k: skipped where LARDER_TEST_ML100K does not name its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from recommenders.datasets.python_splitters import python_stratified_split
from recommenders.evaluation.python_evaluation import ndcg_at_k, precision_at_k, recall_at_k

from engine.linear.matrix import Dense, Fitted, Limits
from engine.models import ease, edlae
from engine.weighing.affinity import Affinity, weigh
from engine.weighing.rows import UserRows, rows_of_events

pytestmark = pytest.mark.ml100k
K = 10


class Split:
    """recommenders' published split: python_stratified_split(ratio=.75, seed=42), and its own metrics of lists of unseen items."""

    def __init__(self, folder: Path) -> None:
        names = ["userID", "itemID", "rating", "timestamp"]
        data = pd.read_csv(folder / "u.data", sep="\t", names=names).astype({"rating": "float32"})
        train, self.test = python_stratified_split(data, ratio=0.75, col_user="userID", col_item="itemID", seed=42)
        self.users, user_idx = np.unique(train.userID, return_inverse=True)
        self.items, item_idx = np.unique(train.itemID, return_inverse=True)
        columns = (train.rating.to_numpy(), train.timestamp.to_numpy(), self.users.size, self.items.size)
        self.rows = weigh(rows_of_events(user_idx, item_idx, *columns), Affinity("binary")).rows

    def metrics(self, fitted: Fitted) -> tuple[float, float, float]:
        matrix = fitted.matrix.values if isinstance(fitted.matrix, Dense) else fitted.matrix.to_dense()
        x = _dense(self.rows)
        scores = np.where(x > 0, -np.inf, x @ matrix)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        lists = pd.DataFrame(
            {
                "userID": np.repeat(self.users, K),
                "itemID": self.items[best].ravel(),
                "prediction": np.tile(np.arange(K, 0, -1.0), self.users.size),
            }
        )
        how: dict[str, Any] = {"col_user": "userID", "col_item": "itemID", "col_prediction": "prediction", "k": K}
        return tuple(measure(self.test, lists, **how) for measure in (ndcg_at_k, precision_at_k, recall_at_k))


def _dense(rows: UserRows) -> npt.NDArray[np.float32]:
    x = np.zeros((rows.n_users, rows.n_items), np.float32)
    x[np.repeat(np.arange(rows.n_users), rows.widths()), rows.item_idx] = rows.weights
    return x


@pytest.fixture(scope="module")
def split(ml100k: Path) -> Split:
    return Split(ml100k)


@pytest.fixture(scope="module")
def whole(split: Split) -> float:
    """nDCG of EASE with all items; its other metrics are checked here, so that it is fitted once."""
    ndcg, precision, recall = split.metrics(ease.fit(split.rows, ease.Parameters(ridge=300), Limits(threads=1)))
    assert precision == pytest.approx(0.423, abs=5e-4)
    assert recall == pytest.approx(0.224, abs=5e-4)
    return ndcg


def test_ease(whole: float) -> None:
    assert whole == pytest.approx(0.480, abs=5e-4)


def test_200_neighbors_keep_99_percent(split: Split, whole: float) -> None:
    ndcg, _, _ = split.metrics(ease.fit(split.rows, ease.Parameters(ridge=300, neighbors=200), Limits(threads=1)))
    assert ndcg >= 0.99 * whole


def test_edlae_with_rows_of_long_histories_damped_beats_the_best_of_the_sketches(split: Split) -> None:
    damped = weigh(split.rows, Affinity("binary", scale=0.1)).rows
    ndcg, _, _ = split.metrics(edlae.fit(damped, edlae.Parameters(dropout=0.5, ridge=80), Limits(threads=1)))
    assert ndcg > 0.484
