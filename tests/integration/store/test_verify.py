"""`verify` on lists that the workers' code has written, each test with one thing wrong."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from redis import Redis

from contract.artifacts.artifact import open_artifact
from contract.errors import GenerationError
from contract.formats import payload
from contract.formats.keys import Keys, bucket_of
from contract.formats.manifest import Manifest
from contract.formats.shard_record import checksum_of
from contract.settings.settings import Settings
from contract.store.generations import Generations
from tests.support.generation_maker import make_generation, settings_for
from trainer.erasure.erase import erase
from trainer.verify import verify as verification
from trainer.verify.verify import Report, verify


class Made:
    """Generation "a", as the workers have written it, and what a test breaks of it."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis, self.settings, self.keys = redis, settings, Keys(settings.namespace)
        self.generations = Generations(redis, self.keys)
        self.manifest: Manifest = make_generation(redis, settings, "a")
        self.artifact = open_artifact(settings.artifacts, "a")
        self.user = cast(int, self.artifact.ids("user_ids")[17])
        self.bucket = bucket_of(self.user, self.manifest.n_user_buckets)
        self.key = self.keys.recs("a", self.bucket)
        self.shard = next(n for n, (start, end, _, _) in enumerate(self.artifact["shards"].tolist()) if start <= 17 < end)

    def report(self) -> Report:
        return verify(self.generations, self.settings, "a", sample=50)

    def problems(self) -> str:
        return "\n".join(self.report().problems)

    def list_of(self, user: int) -> bytes:
        raw = self.redis.hget(self.key, str(user))
        assert isinstance(raw, bytes)
        return raw


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SECOND_LOOK_S", 0.0)


@pytest.fixture
def settings(redis_server: str, tmp_path: Path) -> Settings:
    return settings_for(redis_server, f"file://{tmp_path}/artifacts")


@pytest.fixture
def made(store_redis: Redis, settings: Settings) -> Made:
    return Made(store_redis, settings)


@pytest.mark.parametrize(
    "fields",
    [{}, {"explain_depth": 2}, {"similar_depth": 0}, {"normalize": False}, {"similarity": "mutual information"}, {"neighbors": 20}],
    ids=str,
)
def test_what_the_workers_wrote_is_as_it_should_be(
    store_redis: Redis, redis_server: str, tmp_path: Path, fields: dict[str, object]
) -> None:
    settings = settings_for(redis_server, f"file://{tmp_path}/artifacts", **fields)
    made = Made(store_redis, settings)
    seen: list[tuple[str, int, int]] = []
    report = verify(made.generations, settings, "a", 50, lambda *where: seen.append(where))
    progress = made.generations.progress("a")
    assert progress is not None
    assert (report.problems, report.notes, report.rescored) == ((), (), 50)
    assert (report.users, report.lists, report.listed) == (made.manifest.n_users, progress.lists_written, progress.listed)
    assert report.similar == (made.manifest.n_items if settings.similar_depth else 0)
    n_buckets = made.manifest.n_user_buckets + (made.manifest.n_item_buckets if settings.similar_depth else 0)
    assert seen[-51] == ("lists", n_buckets, n_buckets)
    assert seen[-1] == ("re-scored", 50, 50)


def test_a_deleted_bucket(made: Made) -> None:
    n_users = made.redis.hlen(made.key)
    made.redis.delete(made.key)
    assert (
        f"shard {made.shard}: bucket {made.bucket} of the users is gone: it should hold the lists of {n_users} user(s), " in made.problems()
    )


def test_a_missing_user(made: Made) -> None:
    made.redis.hdel(made.key, str(made.user))
    problems = made.problems()
    assert f"shard {made.shard}: user {made.user} (bucket {made.bucket}) should have a list, and has none" in problems
    assert f"shard {made.shard}: it recorded " in problems


def test_several_missing_users_are_named_up_to_three(made: Made) -> None:
    users = sorted(int(user) for user in cast("list[bytes]", made.redis.hkeys(made.key)))[:5]
    made.redis.hdel(made.key, *map(str, users))
    assert f"each of the users {users[0]}, {users[1]}, {users[2]} and 2 more should have a list, and has none" in made.problems()


def test_a_user_too_many(made: Made) -> None:
    stranger = next(user for user in range(10_000, 20_000) if bucket_of(user, made.manifest.n_user_buckets) == made.bucket)
    made.redis.hset(made.key, str(stranger), made.list_of(made.user))
    assert f"shard {made.shard}: user {stranger} (bucket {made.bucket}) has a list, and is not in the artifact" in made.problems()


def test_a_list_in_a_bucket_where_nobody_looks(made: Made) -> None:
    other = (made.bucket + 1) % made.manifest.n_user_buckets
    made.redis.hset(made.keys.recs("a", other), str(made.user), made.list_of(made.user))
    made.redis.hdel(made.key, str(made.user))
    where = f"user {made.user} has a list in bucket {other}, where no reader looks: it belongs in {made.bucket}"
    assert where in made.problems()


def test_a_changed_score_names_the_user_and_both_scores(made: Made) -> None:
    raw = bytearray(made.list_of(made.user))
    struct.pack_into("<f", raw, payload.HEADER.size, 77.0)
    made.redis.hset(made.key, str(made.user), bytes(raw))
    problems = made.problems()
    assert f"shard {made.shard}: the checksum of its lists is " in problems
    assert f"user {made.user} (bucket {made.bucket}): item " in problems
    assert "has the score 77; recomputed it is " in problems


def test_a_changed_item_names_the_user(made: Made) -> None:
    items, scores = payload.decode(made.list_of(made.user))
    seen = made.artifact.ids("item_ids")[int(made.artifact["indices"][int(made.artifact["indptr"][17])])]
    made.redis.hset(made.key, str(made.user), payload.encode([seen, *items[1:]], scores))
    assert f"user {made.user} (bucket {made.bucket}): item {seen} is listed, which is excluded, or the user has seen" in made.problems()


def test_bytes_that_are_no_list(made: Made) -> None:
    made.redis.hset(made.key, str(made.user), b"\x09")
    assert f"shard {made.shard}: user {made.user} in bucket {made.bucket}: a list payload of 1 bytes is damaged" in made.problems()


def test_wrong_lists_with_the_right_checksum_are_found_by_re_scoring(made: Made) -> None:
    """As a worker that computes rubbish and records it faithfully would leave them."""
    for shard, record in made.generations.shards("a").items():
        checksum = 0
        for bucket in range(*made.artifact["shards"][shard, 2:].tolist()):
            lists = cast("dict[bytes, bytes]", made.redis.hgetall(made.keys.recs("a", bucket)))
            for user, raw in lists.items():
                items, scores = payload.decode(raw)
                rubbish = payload.encode(items, [score * 1.01 for score in scores])
                made.redis.hset(made.keys.recs("a", bucket), user, rubbish)
                checksum += checksum_of(user.decode(), rubbish)
        fields = record.encode().split()
        made.redis.hset(made.keys.shards("a"), shard, " ".join([*fields[:3], str(checksum), *fields[4:]]))
    report = made.report()
    assert len(report.problems) == report.rescored == 50
    assert all("recomputed it is" in problem for problem in report.problems)


@pytest.mark.parametrize("counter", ["n_users", "n_similar", "users_written", "lists_written", "listed", "similar_written", "n_shards"])
def test_a_wrong_counter(made: Made, counter: str) -> None:
    made.redis.hincrby(made.keys.generation("a"), counter, 1)
    (problem,) = made.report().problems
    assert problem.startswith(f"the counter {counter} is ")


def test_a_pointer_with_another_number_of_users(made: Made) -> None:
    pointer = made.generations.current()
    assert pointer is not None
    made.redis.set(made.keys.current, pointer.model_copy(update={"n_users": 3}).model_dump_json())
    (problem,) = made.report().problems
    assert problem.startswith("the counter n_users of the pointer is 3, and the manifest, without the erased, says ")


def test_a_shard_that_is_not_recorded(made: Made) -> None:
    made.redis.hdel(made.keys.shards("a"), "0")
    assert "shard 0: it is not recorded: its lists were never said to be complete" in made.problems()


def test_missing_and_changed_lists_of_similar_items(made: Made) -> None:
    item = made.artifact.ids("item_ids")[0]
    bucket = bucket_of(item, made.manifest.n_item_buckets)
    key = made.keys.similar("a", bucket)
    made.redis.hset(key, str(item), payload.encode([1], [0.5]))
    assert "the checksum of its lists of similar items is " in made.problems()
    made.redis.hdel(key, str(item))
    assert f"item {item} (bucket {bucket}) should have a list, and has none" in made.problems()
    made.redis.delete(key)
    assert f"bucket {bucket} of the items is gone" in made.problems()


def test_an_explanation_without_a_list_and_a_list_without_one(store_redis: Redis, redis_server: str, tmp_path: Path) -> None:
    made = Made(store_redis, settings_for(redis_server, f"file://{tmp_path}/artifacts", explain_depth=2))
    made.redis.hdel(made.keys.why("a", made.bucket), str(made.user))
    assert f"bucket {made.bucket} has lists without an explanation, or explanations without a list: of {made.user}" in made.problems()


def test_an_artifact_with_a_changed_bit_is_named_and_no_reason_to_re_score(made: Made, tmp_path: Path) -> None:
    values = np.load(tmp_path / "artifacts" / "a" / "affinity.npy", mmap_mode="r+")
    values[0] += 1
    values.flush()
    report = made.report()
    assert report.problems == ("the artifact's affinity.npy has been changed since it was written",)
    assert report.rescored == 0
    assert "nothing re-scored" in report.notes[0]


def test_a_truncated_artifact(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "artifacts" / "a" / "indices.npy"
    path.write_bytes(path.read_bytes()[:-4])
    (problem,) = made.report().problems
    assert "it is truncated" in problem


def test_without_its_artifact_lists_are_added_up_and_that_is_said(made: Made, tmp_path: Path) -> None:
    (tmp_path / "artifacts" / "a").rename(tmp_path / "elsewhere")
    report = made.report()
    assert report.problems == ()
    assert report.notes == ("the artifact a is gone: its shards are added up, its users not compared and nothing re-scored",)
    assert (report.users, report.rescored) == (made.manifest.n_users, 0)
    made.redis.hdel(made.key, str(made.user))
    assert f"it recorded {made.manifest.n_users} users, and Redis holds {made.manifest.n_users - 1}" in made.problems()


def test_an_erased_user_is_no_error(made: Made) -> None:
    assert erase(made.settings, made.redis, made.user, pytest.fail).removed[0].items > 0
    report = made.report()
    assert (report.problems, report.users) == ((), made.manifest.n_users - 1)


def test_a_user_whose_erasure_has_only_reached_redis_is_no_error(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.erasure.erase.scrub", lambda *_: [])
    erase(made.settings, made.redis, made.user, pytest.fail)
    assert made.report().problems == ()


def test_a_generation_without_lists_is_refused(made: Made) -> None:
    for state in ("scoring", "failed", "pruned"):
        made.redis.hset(made.keys.generation("a"), "state", state)
        with pytest.raises(GenerationError, match=f"generation a is {state}: there are no lists to verify"):
            made.report()
    with pytest.raises(GenerationError, match="generation z is unknown"):
        verify(made.generations, made.settings, "z")
