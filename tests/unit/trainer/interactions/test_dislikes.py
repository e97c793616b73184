"""Weights of 0 or less: met, not liked, never recommended back; and no part of what is learned."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import DataError
from contract.formats.keys import Id
from contract.settings.settings import CleaningSettings
from trainer.interactions.dislikes import NOT_LIKED, TAKEN_BACK
from trainer.interactions.interactions import Interactions, from_frames
from trainer.interactions.subset import without_users

Row = tuple[int, int, float, int]


def made(rows: list[Row], **policy: Any) -> Interactions:
    frame = pl.DataFrame(rows, schema=["user", "item", "weight", "time"], orient="row").cast({"weight": pl.Float32})
    return from_frames([frame], "a test", CleaningSettings(**policy), Counter())


def liked(interactions: Interactions) -> list[tuple[Id, Id, float]]:
    columns = (interactions.user_idx.tolist(), interactions.item_idx.tolist(), interactions.weight.tolist())
    return sorted((interactions.user_ids[u], interactions.item_ids[i], w) for u, i, w in zip(*columns, strict=True))


def disliked(interactions: Interactions) -> list[tuple[Id, Id]]:
    pairs = interactions.disliked
    if pairs is None:
        return []
    arrays = pairs.arrays(len(interactions.user_ids))
    indptr, indices = arrays["disliked_indptr"].tolist(), arrays["disliked_indices"].tolist()
    found = []
    for user, user_id in enumerate(interactions.user_ids):
        row = indices[indptr[user] : indptr[user + 1]]
        assert row == sorted(set(row))
        found += [(user_id, interactions.item_ids[item]) for item in row]
    return sorted(found)


BASE: list[Row] = [(1, 10, 5.0, 1), (2, 10, 5.0, 1), (2, 11, 5.0, 1), (1, 12, 4.0, 1)]


def test_a_weight_of_0_or_less_is_met_and_not_liked() -> None:
    interactions = made([*BASE, (1, 11, -1.0, 2), (2, 12, 0.0, 2)])
    assert liked(interactions) == liked(made(BASE))
    assert disliked(interactions) == [(1, 11), (2, 12)]
    assert dict(interactions.dropped) == {NOT_LIKED: 2}


def test_dropped_if_it_is_asked_for() -> None:
    interactions = made([*BASE, (1, 11, -1.0, 2)], negative="drop")
    assert interactions.disliked is None
    assert dict(interactions.dropped) == {"weight not positive": 1}


@pytest.mark.parametrize(
    ("duplicates", "rows", "is_liked"),
    [
        ("sum", [(5.0, 1), (-5.0, 2)], False),
        ("sum", [(5.0, 1), (-2.0, 2)], True),
        ("sum", [(-5.0, 1), (5.5, 2)], True),
        ("last", [(5.0, 1), (-1.0, 2)], False),
        ("last", [(5.0, 2), (-1.0, 1)], True),
        ("max", [(5.0, 1), (-9.0, 2)], True),
        ("max", [(0.0, 1), (-9.0, 2)], False),
    ],
)
def test_a_pair_of_both_kinds_is_what_it_comes_to(duplicates: str, rows: list[tuple[float, int]], is_liked: bool) -> None:
    interactions = made([*BASE, *((1, 11, weight, time) for weight, time in rows)], duplicates=duplicates)
    assert disliked(interactions) == ([] if is_liked else [(1, 11)])
    assert ((1, 11) in {pair[:2] for pair in liked(interactions)}) == is_liked
    assert interactions.dropped[NOT_LIKED] == sum(weight <= 0 for weight, _ in rows)
    assert interactions.dropped.get(TAKEN_BACK, 0) == (0 if is_liked else sum(weight > 0 for weight, _ in rows))


def test_users_and_items_that_nobody_likes_are_not_there() -> None:
    interactions = made([*BASE, (3, 10, -1.0, 1), (1, 13, 0.0, 1), (1, 11, -1.0, 1)])
    assert (sorted(interactions.user_ids), interactions.item_ids) == ([1, 2], [10, 11, 12])
    assert disliked(interactions) == [(1, 11)]
    with pytest.raises(DataError, match="no interaction is left after cleaning: 2 with a weight of 0 or less"):
        made([(1, 10, -1.0, 1), (2, 10, 0.0, 1)], duplicates="last")


rows_of_data = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]), st.integers(0, 9)), min_size=1
)


@given(rows=rows_of_data, least=st.integers(1, 2), gone=st.sets(st.integers(0, 60)))
def test_by_brute_force(rows: list[Row], least: int, gone: set[int]) -> None:
    sums: Counter[tuple[int, int]] = Counter()
    for user, item, weight, _ in rows:
        sums[user, item] += weight  # type: ignore[assignment]
    good = [(u, i, w, t) for u, i, w, t in rows if w > 0 and sums[u, i] > 0]
    try:
        interactions = made(rows, min_user_interactions=least)
        expected = made(good or [(0, 0, 0.0, 0)], min_user_interactions=least)
    except DataError:
        return
    assert liked(interactions) == liked(expected)
    for name in ("user_idx", "item_idx", "weight", "bucket_ends"):
        assert np.array_equal(getattr(interactions, name), getattr(expected, name))
    users, items = set(interactions.user_ids), set(interactions.item_ids)
    bad = {(u, i) for u, i, _, _ in rows if sums[u, i] <= 0}
    assert disliked(interactions) == sorted(pair for pair in bad if pair[0] in users and pair[1] in items)
    positions = [at for at, user in enumerate(interactions.user_ids) if user in gone]
    if len(positions) < len(users):
        left = without_users(interactions, positions, "gone")
        users, items = set(left.user_ids), set(left.item_ids)
        assert disliked(left) == sorted(pair for pair in bad if pair[0] in users and pair[1] in items)
