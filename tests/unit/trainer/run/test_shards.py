"""Shards: all users and all buckets once, whole buckets, about equal work. The fallback list as it is written."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.formats import payload
from contract.formats.keys import Keys
from contract.formats.shard_record import SHARD_USERS
from contract.store.generations import Generations
from engine.arrays import Array
from trainer.run.shards import MIN_SHARDS, plan_shards, write_popular

KEYS = Keys("shop")


def shards_of(widths: list[int], bucket_sizes: list[int], target_s: float = 1.0, per_s: float = 1e9) -> Array:
    """Shards of users with `widths` interactions each, `bucket_sizes` users in a bucket."""
    indptr = np.concatenate(([0], np.cumsum(widths))).astype(np.int64)
    return plan_shards(indptr, np.cumsum(bucket_sizes), row_work=1.0, target_s=target_s, per_s=per_s)


def assert_covers(shards: Array, bucket_sizes: list[int]) -> None:
    assert shards.dtype == np.int64
    user_ends = np.concatenate(([0], np.cumsum(bucket_sizes)))
    for start, end, last in ((0, 1, sum(bucket_sizes)), (2, 3, len(bucket_sizes))):
        assert shards[0, start] == 0
        assert shards[-1, end] == last
        assert (shards[1:, start] == shards[:-1, end]).all()
    assert (shards[:, 3] > shards[:, 2]).all()
    assert (user_ends[shards[:, 2]] == shards[:, 0]).all()
    assert (user_ends[shards[:, 3]] == shards[:, 1]).all()


@given(st.lists(st.lists(st.integers(1, 50), max_size=6), min_size=1, max_size=40), st.sampled_from([1.0, 50.0, 1e9]))
@settings(max_examples=60)
def test_all_users_and_buckets_are_covered_once(buckets: list[list[int]], per_s: float) -> None:
    widths = [width for bucket in buckets for width in bucket]
    if not widths:
        return
    sizes = [len(bucket) for bucket in buckets]
    assert_covers(shards_of(widths, sizes, per_s=per_s), sizes)


@pytest.mark.parametrize("user_work", [0.0, 500.0])
def test_a_model_without_weights_is_cut_as_well(user_work: float) -> None:
    """Popularity: no interaction costs a multiply-add."""
    indptr, sizes = np.arange(4 * SHARD_USERS + 1), [64] * (4 * SHARD_USERS // 64)
    shards = plan_shards(indptr, np.cumsum(sizes), 0.0, 1.0, 1e9, user_work)
    assert_covers(shards, sizes)
    assert np.diff(shards[:, :2]).max() <= SHARD_USERS


def test_small_runs_still_make_a_few_shards() -> None:
    assert len(shards_of([1] * 640, [64] * 10)) == MIN_SHARDS


def test_one_bucket_is_one_shard() -> None:
    assert shards_of([1] * 10, [10]).tolist() == [[0, 10, 0, 1]]


def test_more_work_makes_more_shards() -> None:
    """64,000 multiply-adds at 1,000 a second and 2 s each."""
    assert len(shards_of([10] * 6400, [64] * 100, target_s=2, per_s=1000)) == 32


def test_shards_are_balanced_by_work_not_by_users() -> None:
    """The first tenth of the users has most of the interactions."""
    widths = [90] * 640 + [1] * 5760
    shards = shards_of(widths, [64] * 100)
    work = [sum(widths[start:end]) for start, end, _, _ in shards.tolist()]
    bucket = 64 * 90
    assert max(work) <= sum(widths) / MIN_SHARDS + bucket
    n_users = (shards[:, 1] - shards[:, 0]).tolist()
    assert max(n_users) > 3 * min(n_users)


def test_nobody_waits_behind_a_heavy_user() -> None:
    """The shard of the one who has almost all of the work ends with that user's bucket."""
    widths = [1] * 640
    widths[300] = 1_000_000
    shards = shards_of(widths, [64] * 10, per_s=1000)
    assert_covers(shards, [64] * 10)
    assert [end for start, end, _, _ in shards.tolist() if start <= 300 < end] == [5 * 64]


def test_no_shard_has_many_more_users_than_a_worker_has_memory_for() -> None:
    n_buckets = 5 * SHARD_USERS // 64
    shards = shards_of([1] * (64 * n_buckets), [64] * n_buckets)
    assert (shards[:, 1] - shards[:, 0]).max() <= SHARD_USERS + 64


class Recorder:
    """Stands for a connection and its pipelines: keeps what is written."""

    def __init__(self) -> None:
        self.strings: dict[str, bytes] = {}

    def pipeline(self, *, transaction: bool) -> nullcontext[Recorder]:
        assert not transaction
        return nullcontext(self)

    def execute(self) -> list[object]:
        return []

    def set(self, key: str, value: bytes) -> None:
        self.strings[key] = value


@pytest.fixture
def recorder() -> Any:
    return Recorder()


def test_the_fallback_list_has_counts_as_scores(recorder: Any) -> None:
    write_popular(Generations(recorder, KEYS), "g1", ["a", "b", "c"], {2: 7, 0: 5})
    assert payload.decode(recorder.strings["shop:popular:g1"]) == (["c", "a"], (7.0, 5.0))
