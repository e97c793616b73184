"""Positions of ids, and the order of users by bucket."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.formats.keys import IDS_PER_BUCKET, Id, bucket_of
from engine.arrays import Array
from trainer.interactions import indexing
from trainer.interactions.indexing import bucket_order, by_bucket, concatenated, counted, factorize, n_buckets_for
from trainer.kept.packed import Coded

RNG = np.random.default_rng(3)

ids_of_one_type = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, min_size=1, max_size=300),
    st.lists(st.text(max_size=8), unique=True, min_size=1, max_size=300),
)


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=60), st.sampled_from([0, 2**62 - 500, -(2**63) + 500]))
def test_number_by_table_and_by_sort_agree(values: list[int], offset: int) -> None:
    array = np.array(values, np.int64) + offset
    halves = array[: array.size // 2], array[array.size // 2 :]
    by_table = factorize(list(halves))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "_TABLE_SLACK", -4 * array.size)  # no table is small enough now
        by_sort = factorize(list(halves))
    for distinct, positions in (by_table, by_sort):
        assert distinct == sorted(set(array.tolist()))
        assert [distinct[at] for at in positions] == array.tolist()
        assert positions.dtype == np.int32


def test_integers_far_apart_are_numbered() -> None:
    distinct, positions = factorize([np.array([2**63 - 1, -(2**63), 0], np.int64)])
    assert (distinct, positions.tolist()) == ([-(2**63), 0, 2**63 - 1], [2, 0, 1])


def test_number_lets_each_part_go() -> None:
    parts = [np.array([3, 1], np.int64), np.empty(0, np.int64), np.array([1], np.int64)]
    watched = [weakref.ref(part) for part in parts]
    distinct, positions = factorize(parts)
    assert (distinct, positions.tolist()) == ([1, 3], [1, 0, 0])
    assert parts == []
    assert [ref() for ref in watched] == [None, None, None]


def test_counted_is_bincount_and_says_0_of_who_does_not_occur() -> None:
    positions = np.array([2, 0, 2], np.int32)
    assert counted(positions, 4).tolist() == np.bincount(positions, minlength=4).tolist() == [1, 0, 2, 0]


def test_joined_lets_each_part_go() -> None:
    parts = [np.arange(3, dtype=np.int32), np.arange(2, dtype=np.int32)]
    watched = [weakref.ref(part) for part in parts]
    whole = concatenated(parts)
    assert (whole.tolist(), whole.dtype.str) == ([0, 1, 2, 0, 1], "<i4")
    assert parts == []
    assert [ref() for ref in watched] == [None, None]


@given(ids_of_one_type, st.data())
def test_users_are_ordered_by_bucket_then_as_they_were(ids: list[Id], data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=20)), np.int32)
    ordered, positions, ends = by_bucket(ids, rows)
    n_buckets = len(ends)
    assert n_buckets == n_buckets_for(len(ids))
    buckets = [bucket_of(value, n_buckets) for value in ordered]
    assert buckets == sorted(buckets)
    assert list(ordered) == sorted(ids, key=lambda value: (bucket_of(value, n_buckets), ids.index(value)))
    assert ends.tolist() == [sum(bucket <= number for bucket in buckets) for number in range(n_buckets)]
    assert [ordered[at] for at in positions] == [ids[at] for at in rows]


@pytest.mark.parametrize(("n_ids", "n_buckets"), [(1, 1), (IDS_PER_BUCKET, 1), (IDS_PER_BUCKET + 1, 2), (10 * IDS_PER_BUCKET, 10)])
def test_buckets_hold_a_fixed_number_of_ids_on_average(n_ids: int, n_buckets: int) -> None:
    assert n_buckets_for(n_ids) == n_buckets


@pytest.mark.parametrize("spread", [1, 10**15])
def test_coded_parts_are_numbered_as_their_values(spread: int) -> None:
    parts = [RNG.integers(0, 50, 400) * spread for _ in range(3)]
    values, codes = np.unique(parts[1], return_inverse=True)
    coded: list[Array | Coded] = [parts[0], Coded(values, codes.astype(np.uint16)), parts[2]]
    distinct, positions = factorize(coded)
    expected, places = factorize(list(parts))
    assert (distinct, positions.tolist()) == (expected, places.tolist())


def test_buckets_of_integers_are_those_of_their_texts() -> None:
    ids = [0, 9, 10, -1, -10, 2**63 - 1, -(2**63), *RNG.integers(-(2**63), 2**63 - 1, 500).tolist()]
    buckets = np.array([bucket_of(one, n_buckets_for(len(ids))) for one in ids])
    order, ends = bucket_order(ids)
    assert order.tolist() == np.argsort(buckets, kind="stable").tolist()
    assert ends[-1] == len(ids)
