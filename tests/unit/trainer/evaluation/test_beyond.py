"""Metrics beyond accuracy, against plain Python over the same lists."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import log2, sqrt

import numpy as np
import pytest

from contract.formats.evaluation import Evaluation
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import interactions_of, rows_of
from tests.support.models.samples import many
from trainer.evaluation.beyond import beyond, gini, segments
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.per_user import per_user


def test_gini_by_hand() -> None:
    assert gini(np.array([3, 3, 3])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)
    assert gini(np.array([3, 1])) == pytest.approx(1 / 4)


def test_each_figure_is_what_plain_python_says() -> None:
    interactions, rng = interactions_of(many()), np.random.default_rng(1)
    rows, n_items = rows_of(interactions, ModelSettings()), len(interactions.item_ids)
    lists = np.array([rng.permutation(n_items)[:4] for _ in range(60)], np.int32)
    lists[3, 2:] = lists[5] = -1
    popular, hits = np.tile(np.arange(4), (60, 1)), (rng.random((60, 4)) < 0.3) & (lists >= 0)
    users = [
        set(np.repeat(np.arange(rows.indptr.size - 1), np.diff(rows.indptr))[rows.indices == item].tolist()) for item in range(n_items)
    ]
    listed = [item for row in lists.tolist() for item in row if item >= 0]
    parts = [len(users[item]) / (rows.indptr.size - 1) for item in listed]
    head, left = set(), 0.8 * sum(map(len, users))
    for item in sorted(range(n_items), key=lambda item: (-len(users[item]), item)):
        if left > 0:
            head.add(item)
        left -= len(users[item])

    def alike(row: list[int]) -> float:
        pairs = list(combinations([item for item in row if item >= 0], 2))
        return sum(len(users[a] & users[b]) / sqrt(len(users[a]) * len(users[b])) for a, b in pairs) / len(pairs)

    found = beyond(lists, popular, hits, rows, n_items)
    times = Counter(listed)
    assert found.gini == pytest.approx(gini(np.array([times[item] for item in range(n_items)])), abs=1e-6)
    assert found.popularity == pytest.approx(sum(parts) / len(parts), abs=1e-6)
    assert found.novelty == pytest.approx(-sum(map(log2, parts)) / len(parts), abs=1e-6)
    assert found.long_tail == pytest.approx(sum(item not in head for item in listed) / len(listed), abs=1e-6)
    several = [row for row in lists.tolist() if row[1] >= 0]
    assert found.diversity == pytest.approx(1 - sum(map(alike, several)) / len(several), abs=1e-5)
    assert found.serendipity == pytest.approx((hits & (lists >= 4)).mean(), abs=1e-6)
    assert 0 < found.long_tail < 1


def test_thirds_hold_everybody_once() -> None:
    rows, n_items = rows_of(interactions_of(many()), ModelSettings()), 150
    users = np.arange(0, 90)
    lists = np.tile(np.arange(5), (90, 1))
    measured = per_user(users, np.where(users % 2, 3, 140), users, lists)
    hits, wanted = (lists == 3) & (users % 2 == 1)[:, None], np.where(users % 2, 3, 140)
    found = segments(measured, lists, hits, wanted, rows, n_items)
    assert sum(third.n for third in found.users.values()) == 90
    assert sum(third.n for third in found.items.values()) == n_items
    assert sum(third.n * third.recall for third in found.users.values()) / 90 == pytest.approx(0.5)
    assert sum(third.listed for third in found.items.values()) == pytest.approx(1)
    assert found.items["most"].wanted == found.items["least"].wanted == 0.5
    assert (found.items["most"].recall, found.items["least"].recall) == (1, 0)


def test_an_evaluation_says_them_of_the_model_and_of_popularity() -> None:
    found = evaluate(
        *(interactions_of(many()), ModelSettings()), k=5, sample_users=1000, threads=1, limit_bytes=2**30, report=lambda *_: None
    )
    assert isinstance(found, Evaluation)
    assert found.beyond is not None
    assert found.beyond_popularity is not None
    assert found.segments is not None
    assert found.beyond_popularity.popularity > found.beyond.popularity
    assert found.beyond_popularity.novelty < found.beyond.novelty
    assert found.beyond_popularity.serendipity == 0
    assert 0 < found.beyond.diversity < 1
    mean = sum(third.n * third.ndcg for third in found.segments.users.values()) / found.n_users_evaluated
    assert mean == pytest.approx(found.model.ndcg, abs=1e-5)


def test_an_item_that_nobody_has_met_is_as_new_as_one_that_one_user_has() -> None:
    rows = rows_of(
        interactions_of([(user, item, 1.0, 0) for user in range(8) for item in range(4) if item < 3 or user == 0]), ModelSettings()
    )
    lists, nobody = np.array([[3], [4]], np.int32), np.zeros((2, 1), np.bool_)  # item 4 is in no interaction
    assert beyond(lists, lists, nobody, rows, 5).novelty == pytest.approx(3)
