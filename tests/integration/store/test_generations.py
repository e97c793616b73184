"""The life of a generation, on a real Redis: what is promoted, and what never is."""

from __future__ import annotations

import threading

import pytest
from redis import Redis

from contract.errors import GenerationError
from contract.formats.keys import Keys
from contract.formats.shard_record import ShardRecord
from contract.store.generations import Generations
from contract.store.removal import retire
from tests.support.builders import Lists, make_manifest, manifest_of, promote_lists, write_lists

KEYS = Keys("test")
LISTS: Lists = {1: [(10, 2.0), (11, 1.0)], 2: [(12, 3.0)]}


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return Generations(store_redis, KEYS)


def begin(generations: Generations, name: str, n_shards: int = 2, n_users: int = 4) -> None:
    generations.begin(make_manifest(name, n_shards=n_shards, n_users=n_users))


def complete(generations: Generations, name: str) -> str:
    begin(generations, name)
    for shard in (0, 1):
        generations.record_shard(name, shard, ShardRecord(2, 2, 6, 7))
    return generations.promote(name, "test")


def test_a_missing_shard_forbids_promotion(generations: Generations) -> None:
    begin(generations, "a")
    assert generations.record_shard("a", 1, ShardRecord(4, 4, 12, 7)) == "scoring"
    assert generations.promote("a", "test") == "incomplete"
    assert generations.current() is None
    assert generations.missing_shards("a", 2) == [0]


def test_a_missing_user_forbids_promotion(generations: Generations) -> None:
    begin(generations, "a", n_users=5)
    for shard in (0, 1):
        generations.record_shard("a", shard, ShardRecord(2, 2, 6, 7))
    assert generations.promote("a", "test") == "incomplete"
    assert generations.current() is None


def test_the_last_shard_promotes_with_all_that_a_reader_needs(generations: Generations) -> None:
    assert complete(generations, "a") == "promoted"
    pointer = generations.current()
    assert pointer is not None
    assert (pointer.generation, pointer.previous, pointer.sequence, pointer.k, pointer.depth) == ("a", "", 1, 3, 6)
    assert pointer.data_until == "2026-01-01T00:00:00Z"
    assert generations.state("a") == "current"


def test_a_twin_of_a_shard_counts_once(generations: Generations) -> None:
    begin(generations, "a")
    for _ in range(3):
        generations.record_shard("a", 0, ShardRecord(2, 1, 3, 7))
    progress = generations.progress("a")
    assert progress is not None
    assert (progress.shards_recorded, progress.users_written, progress.lists_written) == (1, 2, 1)


def test_nothing_is_promoted_twice(generations: Generations) -> None:
    complete(generations, "a")
    complete(generations, "b")
    assert generations.promote("a", "a late twin") == "already"
    pointer = generations.current()
    assert pointer is not None
    assert pointer.generation == "b"


def test_an_older_run_never_replaces_a_newer_one(generations: Generations) -> None:
    begin(generations, "old")
    assert complete(generations, "new") == "promoted"
    for shard in (0, 1):
        generations.record_shard("old", shard, ShardRecord(2, 2, 6, 7))
    assert generations.promote("old", "test") == "superseded"
    pointer = generations.current()
    assert pointer is not None
    assert pointer.generation == "new"
    assert generations.state("old") == "complete"


def test_states_follow_the_pointer(generations: Generations) -> None:
    for name in ("a", "b", "c"):
        complete(generations, name)
    assert [generations.state(name) for name in ("a", "b", "c")] == ["complete", "previous", "current"]
    pointer = generations.current()
    assert pointer is not None
    assert pointer.previous == "b"


def test_a_failed_generation_takes_no_shard_and_is_never_promoted(generations: Generations) -> None:
    begin(generations, "a")
    assert generations.fail("a", "the disk is full")
    assert generations.record_shard("a", 0, ShardRecord(2, 2, 6, 7)) == "failed"
    assert generations.promote("a", "test") == "failed"
    progress = generations.progress("a")
    assert progress is not None
    assert (progress.state, progress.reason, progress.shards_recorded) == ("failed", "the disk is full", 0)


def test_what_is_served_can_not_fail(generations: Generations) -> None:
    complete(generations, "a")
    assert not generations.fail("a", "too late")
    assert generations.state("a") == "current"


def test_begin_goes_on_with_the_same_run_and_refuses_another(generations: Generations) -> None:
    manifest = make_manifest("a", n_shards=2)
    assert generations.begin(manifest) == generations.begin(manifest) == 1
    with pytest.raises(GenerationError, match="scoring already"):
        generations.begin(manifest.model_copy(update={"digest": "other data"}))
    generations.fail("a", "gone")
    with pytest.raises(GenerationError, match="failed already"):
        generations.begin(manifest)


def test_many_workers_that_record_at_once_promote_once(generations: Generations, store_redis: Redis) -> None:
    generations.begin(make_manifest("a", n_shards=16, n_users=16))
    outcomes: list[str] = []

    def work(shard: int) -> None:
        for _ in range(2):  # and its twin
            generations.record_shard("a", shard, ShardRecord(1, 1, 3, 7))
            outcomes.append(generations.promote("a", f"shard {shard}"))

    threads = [threading.Thread(target=work, args=(shard,)) for shard in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("promoted") == 1
    assert set(outcomes) <= {"promoted", "already", "incomplete"}
    assert store_redis.llen(KEYS.promoted) == 1


def test_retire_leaves_alone_what_is_served_or_may_be_read(generations: Generations) -> None:
    for name in ("a", "b", "c"):
        complete(generations, name)
    assert not retire(generations, "c", 0, 0)
    assert not retire(generations, "b", 0, 0)
    assert not retire(generations, "a", 3600, 0)  # a reader may still hold a pointer to it
    assert generations.ids() == ["a", "b", "c"]


def test_retire_removes_all_and_sweeps_late_writers(generations: Generations, store_redis: Redis) -> None:
    for name in ("a", "b", "c"):
        promote_lists(store_redis, KEYS, LISTS, generation=name, metadata={10: {"title": "Ten"}})
    before = {key for key in store_redis.scan_iter() if b":a" in key}
    assert len(before) > 3
    assert not retire(generations, "a", 0, 3600)  # its hash stays, so that a late worker reads "pruned"
    assert generations.state("a") == "pruned"
    write_lists(store_redis, KEYS, manifest_of(LISTS, "a"), LISTS)  # a worker that was asleep
    assert generations.record_shard("a", 0, ShardRecord(2, 2, 6, 7)) == "pruned"
    assert retire(generations, "a", 0, 0)
    assert not [key for key in store_redis.scan_iter() if b":a" in key]
    assert generations.ids() == ["b", "c"]
