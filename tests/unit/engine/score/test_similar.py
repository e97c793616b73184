"""Similar items against a sort of every row, in both layouts; and which shard writes whose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.formats.keys import Id, bucket_of
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.score.scoring import TopK
from engine.score.similar import shard_of_items, similar_items
from tests.support.models import oracle
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.fitting import rows_of, similarity_of
from tests.unit.engine.fit.test_sar_oracle import movielens
from trainer.interactions.indexing import bucket_order, n_buckets_for

LAYOUTS = ("dense", "sparse")
layouts = pytest.mark.parametrize("layout", LAYOUTS)
untimed = settings(deadline=None, derandomize=True, database=None)


def similar(similarity: Array, layout: str, depth: int, chosen: list[int] | None = None) -> TopK:
    n_items = len(similarity)
    case = Case(affinity=np.ones((1, n_items)), unity=np.ones((1, n_items)), similarity=similarity)
    items = np.arange(n_items, dtype=np.int32) if chosen is None else np.array(chosen, np.int32)
    return similar_items(case.arrays(layout), items, depth=depth)


def expected(similarity: Array, item: int, depth: int) -> list[tuple[int, float]]:
    row = similarity[item].astype(np.float32).tolist()
    others = [other for other, value in enumerate(row) if value > 0 and other != item]
    return [(other, row[other]) for other in sorted(others, key=lambda other: (-row[other], other))[:depth]]


def ordered(item_ids: Sequence[Id]) -> dict[str, Array]:
    """What the trainer writes of an order of items."""
    order, ends = bucket_order(item_ids)
    return {"item_order": order, "item_bucket_ends": ends}


BY_HAND = np.array([[1.0, 0.5, 0.0, 0.5], [0.5, 1.0, 0.25, 0.75], [0.0, 0.25, 1.0, 0.0], [0.5, 0.75, 0.0, 1.0]])


@layouts
def test_four_items_by_hand(layout: str) -> None:
    assert lists(similar(BY_HAND, layout, depth=2)) == [[(1, 0.5), (3, 0.5)], [(3, 0.75), (0, 0.5)], [(1, 0.25)], [(1, 0.75), (0, 0.5)]]


@layouts
def test_items_in_the_order_that_is_asked_for(layout: str) -> None:
    assert lists(similar(BY_HAND, layout, depth=1, chosen=[2, 0, 2])) == [[(1, 0.25)], [(1, 0.5)], [(1, 0.25)]]
    assert lists(similar(BY_HAND, layout, depth=1, chosen=[])) == []


@layouts
def test_an_item_that_met_no_other_has_an_empty_list(layout: str) -> None:
    assert lists(similar(np.eye(70), layout, depth=3)) == [[]] * 70


@layouts
def test_depth_above_the_number_of_items_lists_them_all(layout: str) -> None:
    top = similar(BY_HAND, layout, depth=3000)
    assert top.items.shape == (4, 4)
    assert lists(top)[1] == [(3, 0.75), (0, 0.5), (2, 0.25)]


@layouts
def test_ties_go_to_the_lower_item_also_where_the_list_is_full(layout: str) -> None:
    top = similar(np.full((130, 130), 0.5), layout, depth=3)
    assert lists(top)[:2] == [[(1, 0.5), (2, 0.5), (3, 0.5)], [(0, 0.5), (2, 0.5), (3, 0.5)]]
    assert lists(top)[129] == [(0, 0.5), (1, 0.5), (2, 0.5)]


@layouts
def test_a_row_is_read_not_a_column(layout: str) -> None:
    """Kept neighbors are not symmetric."""
    assert lists(similar(np.array([[1.0, 0.5], [0.0, 1.0]]), layout, depth=1)) == [[(1, 0.5)], []]


@layouts
@untimed
@given(n_items=st.integers(1, 140), seed=st.integers(0, 9), lowest=st.integers(-8, 4), depth=st.integers(1, 150))
def test_lists_are_those_of_a_sorted_row(layout: str, n_items: int, seed: int, lowest: int, depth: int) -> None:
    similarity = random_case(n_items, n_users=1, seed=seed, lowest=lowest).similarity
    assert lists(similar(similarity, layout, depth)) == [expected(similarity, item, depth) for item in range(n_items)]


@pytest.mark.ml100k
def test_similarities_of_movielens_100k_are_the_library_s(ml100k: Path) -> None:
    interactions, model = movielens(ml100k), ModelSettings()
    library, n_items = oracle.ask(interactions, model).similarity, len(interactions.item_ids)
    np.fill_diagonal(library, 0)
    arrays = similarity_of(rows_of(interactions, model), n_items, model, "dense")
    top = similar_items(arrays, np.arange(n_items, dtype=np.int32), depth=30)
    for item, listed in enumerate(lists(top)):
        best = -np.sort(-library[item])[:30]
        np.testing.assert_allclose([score for _, score in listed], best[best > 0], rtol=1e-6)
        np.testing.assert_allclose([library[item, other] for other, _ in listed], best[best > 0], rtol=1e-6)


@pytest.mark.parametrize("item_ids", [list(range(1, 500)), [f"item {n}" for n in range(500)]], ids=["integers", "texts"])
@pytest.mark.parametrize("n_shards", [1, 3, 8, 13])
def test_the_shards_share_the_items(item_ids: list[Id], n_shards: int) -> None:
    n_buckets = n_buckets_for(len(item_ids))
    written: list[int] = []
    touched: list[set[int]] = []
    for shard in range(n_shards):
        items, buckets = shard_of_items(ordered(item_ids), shard, n_shards)
        assert buckets == [bucket_of(item_ids[item], n_buckets) for item in items]
        assert list(zip(buckets, items.tolist(), strict=True)) == sorted(zip(buckets, items.tolist(), strict=True))
        written += items.tolist()
        touched.append(set(buckets))
    assert sorted(written) == list(range(len(item_ids)))
    assert sum(map(len, touched)) == len(set().union(*touched)) == n_buckets


def test_a_shard_without_a_bucket_writes_nothing() -> None:
    items, buckets = shard_of_items(ordered([1, 2, 3]), 0, 2)
    assert (items.tolist(), buckets) == ([], [])
    assert shard_of_items(ordered([1, 2, 3]), 1, 2)[0].tolist() == [0, 1, 2]
