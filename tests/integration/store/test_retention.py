"""What is kept of old generations, and that nothing is left of the others: in Redis, on disk, on the queues."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.queue.jobs import enqueue_run, enqueue_shards, score_queue, shard_job_id, train_queue
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.runs import Runs
from tests.support.builders import make_manifest, promote_lists
from trainer.service import retention
from trainer.service.abandoned import TIMES, Abandoned, see_to_abandoned

KEYS = Keys("larder")
REFUSED = Verdict(passed=False, because="worse")


@pytest.fixture
def settings(redis_server: str, tmp_path: Path) -> Settings:
    # No grace: what may go, goes at once.
    return Settings(redis_url=redis_server, artifacts=tmp_path.as_uri(), keep_generations=1).model_copy(
        update={"grace_s": 0, "job_timeout_s": 0.001}
    )


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return Generations(store_redis, KEYS)


def promoted(generations: Generations, tmp_path: Path, *names: str) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        promote_lists(generations.redis, KEYS, {1: [(10, 2.0)]}, generation=name)


def waiting(generations: Generations, name: str) -> None:
    generations.begin(make_manifest(name), REFUSED)
    generations.record_shard(name, 0, ShardRecord(1, 1, 1, 7))
    assert generations.promote(name, "a test") == "refused"


def prune(generations: Generations, settings: Settings) -> list[str]:
    """Twice: the first call deletes lists, the second what told late workers so."""
    runs = Runs(generations.redis, KEYS)
    return retention.prune(generations, runs, settings) + retention.prune(generations, runs, settings)


def test_current_previous_and_as_many_more_as_are_asked_for(generations: Generations, settings: Settings, tmp_path: Path) -> None:
    promoted(generations, tmp_path, "a", "b", "c", "d", "e")
    assert sorted(prune(generations, settings)) == ["a", "b"]
    assert generations.ids() == ["c", "d", "e"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d", "e"]
    assert not [key for key in generations.redis.scan_iter() if b":a" in key or key.endswith(b":b")]
    assert prune(generations, settings.model_copy(update={"keep_generations": 0})) == ["c"]


def test_lists_stay_for_a_while_after_readers_have_left_them(generations: Generations, settings: Settings, tmp_path: Path) -> None:
    promoted(generations, tmp_path, "a", "b", "c")
    generations.redis.hset(KEYS.generation("a"), "completed_at_ms", 1)  # long ago, and it was served until a moment ago
    patient = settings.model_copy(update={"grace_s": 60, "keep_generations": 0})
    assert prune(generations, patient) == []
    generations.redis.hset(KEYS.generation("a"), "retired_at_ms", 1)
    assert prune(generations, patient) == ["a"]


def test_a_refused_generation_takes_no_place_of_one_to_go_back_to(generations: Generations, settings: Settings, tmp_path: Path) -> None:
    promoted(generations, tmp_path, "a", "b", "c")
    waiting(generations, "bad")
    waiting(generations, "worse")
    assert prune(generations, settings.model_copy(update={"keep_waiting": 2})) == []  # both can still be promoted by hand
    assert prune(generations, settings.model_copy(update={"keep_waiting": 1})) == ["bad"]
    assert generations.ids() == ["a", "b", "c", "worse"]
    promoted(generations, tmp_path, "d")
    assert sorted(prune(generations, settings)) == ["a", "worse"]


def test_what_was_rolled_back_from_is_kept_until_a_later_promotion(generations: Generations, settings: Settings, tmp_path: Path) -> None:
    promoted(generations, tmp_path, "a", "b", "c")
    generations.roll_back("a test")
    assert prune(generations, settings) == []
    assert [generations.state(name) for name in "abc"] == ["complete", "current", "previous"]


def test_failed_runs_leave_no_artifact(generations: Generations, settings: Settings, tmp_path: Path) -> None:
    runs = Runs(generations.redis, KEYS)
    for name in ("failed", ".failed.7.partial", "trains", ".trains.8.partial", "dispatched", ".dispatched.9.partial", ".datasets", "mine"):
        (tmp_path / name).mkdir()
    for run, state in (("failed", "failed"), ("trains", "running"), ("dispatched", "dispatched")):
        runs.set(run, state)
    prune(generations, settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".datasets", ".trains.8.partial", "dispatched", "mine", "trains"]


@pytest.mark.parametrize("left", ["the run", "a shard"])
def test_a_generation_with_a_job_is_not_abandoned(generations: Generations, redis_server: str, store_redis: Redis, left: str) -> None:
    settings = Settings(redis_url=redis_server)
    trains, scores = train_queue(store_redis, settings), score_queue(store_redis, settings)
    generations.begin(make_manifest("a", n_shards=3))
    if left == "the run":
        enqueue_run(trains, settings, "a", {})
    else:
        enqueue_shards(scores, settings, "a", [2])
    assert see_to_abandoned(generations, trains, scores, settings) == []
    (trains if left == "the run" else scores).empty()  # type: ignore[no-untyped-call]
    assert see_to_abandoned(generations, trains, scores, settings) == [Abandoned("a", 3)]
    assert sorted(scores.job_ids) == [shard_job_id("a", shard) for shard in range(3)]
    assert see_to_abandoned(generations, trains, scores, settings) == []  # they are on their way
    assert generations.state("a") == "scoring"


def test_jobs_that_are_lost_again_and_again_are_given_up(generations: Generations, redis_server: str, store_redis: Redis) -> None:
    settings = Settings(redis_url=redis_server)
    trains, scores = train_queue(store_redis, settings), score_queue(store_redis, settings)
    generations.begin(make_manifest("a", n_shards=3))
    generations.record_shard("a", 1, ShardRecord(1, 1, 1, 7))
    for _ in range(TIMES):
        assert see_to_abandoned(generations, trains, scores, settings) == [Abandoned("a", 2)]
        scores.empty()  # type: ignore[no-untyped-call]
    assert see_to_abandoned(generations, trains, scores, settings) == [Abandoned("a", 0)]
    progress = generations.progress("a")
    assert progress is not None
    assert progress.reason == "abandoned: 2 of 3 shards are missing, whose jobs were lost 5 times"


def test_a_whole_generation_whose_last_worker_died_before_it_promoted(generations: Generations, settings: Settings) -> None:
    redis = generations.redis
    generations.begin(make_manifest("a"))
    generations.record_shard("a", 0, ShardRecord(1, 1, 1, 7))
    assert see_to_abandoned(generations, train_queue(redis, settings), score_queue(redis, settings), settings) == []
    assert generations.state("a") == "current"
