"""An erased user: gone from lists, artifacts and later runs, whatever was running meanwhile, with counts that still add up."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from pydantic import SecretStr
from redis import Redis

from contract.artifacts.artifact import READ_FOLDER, damaged_arrays, folder_of, open_artifact
from contract.errors import ErasureError, SettingsError
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Manifest
from contract.formats.shard_record import ShardRecord, checksum_of
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from tests.support.servers.services import Services, await_that, children, stopped
from trainer.erasure import erase as erasing
from trainer.erasure import scrub
from trainer.export.cook_audiences import cook_audiences
from trainer.run import pipeline
from trainer.run.spec import RunSpec
from trainer.verify.audiences import wrong_audiences
from worker import publishing
from worker.shard import make_shard
from worker.writer import write_lists, write_names

KEYS = Keys("larder")
SHAPE = "synthetic:700x300x20000"
GONE = 123


@pytest.fixture
def settings(redis_server: str, tmp_path: Path) -> Settings:
    return Settings(
        redis_url=redis_server,
        artifacts=(tmp_path / "artifacts").as_uri(),
        interactions=SHAPE,
        erasure_secret=SecretStr("a secret"),
        evaluate=False,
        explain_depth=2,
        shard_target_s=0.001,
        find_users=True,
        audience_depth=40,
    )


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return Generations(store_redis, KEYS)


def erasure_of(settings: Settings, redis: Redis) -> Erasure:
    return Erasure(redis, KEYS, settings.erasure_secret.get_secret_value())


def train(settings: Settings, redis: Redis, run: str, on: Callable[[str], None] = lambda _: None) -> None:
    pipeline.train(RunSpec(run, settings), redis, redis, lambda stage, done, _total: on(stage) if done == 0 else None)


def score(settings: Settings, generations: Generations, run: str, shards: list[int] | None = None) -> str:
    """What the workers do; the last outcome."""
    artifact, outcome = open_artifact(settings.artifacts, run), ""
    for shard in range(artifact.manifest.n_shards) if shards is None else shards:
        outcome = publishing.publish(generations, erasure_of(settings, generations.redis), make_shard(artifact, shard))
    return outcome


def erase(settings: Settings, redis: Redis, user: Id = GONE) -> list[erasing.Removed]:
    erased = erasing.erase(settings, redis, user, lambda: None)
    erased.check()
    return erased.removed


def check_gone(settings: Settings, generations: Generations, run: str, user: Id = GONE) -> None:
    """Nothing of the user is left in a generation, and what is left adds up."""
    redis, artifact = generations.redis, open_artifact(settings.artifacts, run)
    manifest, progress = artifact.manifest, generations.progress(run)
    assert progress is not None
    entries: dict[int, ShardRecord] = {}
    listed_users: set[bytes] = set()
    for number, (_, _, start, end) in enumerate(artifact["shards"].tolist()):
        users = lists = listed = checksum = 0
        for bucket in range(start, end):
            found, why = (cast("dict[bytes, bytes]", redis.hgetall(key(run, bucket))) for key in (KEYS.recs, KEYS.why))
            assert str(user).encode() not in {*found, *why}
            listed_users |= found.keys()
            for field, value in found.items():
                n = int.from_bytes(value[2:4], "little")
                users, lists, listed = users + 1, lists + (n > 0), listed + n
                checksum += checksum_of(field.decode(), value, why[field])
        entries[number] = ShardRecord(users, lists, listed, checksum)
    assert set(cast("list[bytes]", redis.zrange(KEYS.names(run), 0, -1))) == listed_users, "who has a list is found, and nobody else"
    for number, record in generations.shards(run).items():
        assert ShardRecord(record.users, record.lists, record.listed, record.checksum) == entries[number]
    assert progress.users_written == sum(record.users for record in generations.shards(run).values())
    assert progress.n_users == manifest.n_users - len(manifest.erased)
    assert user not in [known for at, known in enumerate(artifact.ids("user_ids")) if at not in manifest.erased]
    for at in manifest.erased:
        assert artifact["user_ids"][at] == 0
        assert not artifact["affinity"][artifact["indptr"][at] : artifact["indptr"][at + 1]].any()
    assert damaged_arrays(settings.artifacts, artifact) == []


def test_every_live_generation_and_artifact_forgets_the_user(settings: Settings, store_redis: Redis, generations: Generations) -> None:
    for run in ("a", "b"):
        train(settings, store_redis, run)
        assert score(settings, generations, run) == "promoted"
    removed = erase(settings, store_redis)
    assert [(one.generation, one.state, one.items) for one in removed] == [("b", "current", 30), ("a", "previous", 30)]
    assert all(one.interactions > 0 for one in removed)
    for run in ("a", "b"):
        check_gone(settings, generations, run)
    pointer = generations.current()
    assert pointer is not None
    assert pointer.n_users == 699
    assert erase(settings, store_redis) == []
    check_gone(settings, generations, "b")


def test_the_users_of_items_are_without_the_erased(settings: Settings, store_redis: Redis, generations: Generations) -> None:
    """And `verify` agrees before and after; it sees what is wrong."""
    train(settings, store_redis, "a")
    assert score(settings, generations, "a") == "promoted"
    artifact = open_artifact(settings.artifacts, "a")
    items = artifact.ids("item_ids")
    assert wrong_audiences(generations, artifact), "they are not there yet"
    cook_audiences(generations, erasure_of(settings, store_redis), "a", items)
    assert GONE in named(store_redis, artifact.manifest)
    assert wrong_audiences(generations, artifact) == []
    erase(settings, store_redis)
    assert GONE not in named(store_redis, artifact.manifest)
    cook_audiences(generations, erasure_of(settings, store_redis), "a", items)
    assert wrong_audiences(generations, open_artifact(settings.artifacts, "a")) == []
    store_redis.hset(KEYS.audience("a", bucket_of(items[0], artifact.manifest.n_item_buckets)), str(items[0]), payload.encode([1], [9.0]))
    assert "1 have other users than the lists say" in wrong_audiences(generations, artifact)[0]


def named(redis: Redis, manifest: Manifest) -> set[Id]:
    """Everybody whom an item is for."""
    hashes = [cast("dict[bytes, bytes]", redis.hgetall(KEYS.audience(manifest.generation, at))) for at in range(manifest.n_item_buckets)]
    return {user for found in hashes for raw in found.values() for user in payload.decode(raw)[0]}


def test_a_worker_that_dies_after_it_has_entered_the_name_leaves_none(
    settings: Settings, store_redis: Redis, generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(settings, store_redis, "a")
    artifact = open_artifact(settings.artifacts, "a")
    position = artifact.ids("user_ids").index(GONE)
    number = next(at for at, end in enumerate(artifact["shards"][:, 1].tolist()) if position < end)
    shard = make_shard(artifact, number)

    def erased_meanwhile(generations: Generations, key: str, ids: Sequence[Id]) -> None:
        erase(settings, store_redis)
        write_names(generations, key, ids)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "write_names", erased_meanwhile)
        with pytest.raises(KeyboardInterrupt):
            publishing.publish(generations, erasure_of(settings, store_redis), shard)
    assert score(settings, generations, "a") == "promoted"
    check_gone(settings, generations, "a")


def truncate(folder: Path) -> None:
    path = folder / "indices.npy"
    os.truncate(path, path.stat().st_size // 2)


def overwrite(name: str) -> Callable[[Path], object]:
    """Other bytes, as many as before: only the checksum tells."""

    def damage(folder: Path) -> None:
        path = folder / f"{name}.npy"
        raw = path.read_bytes()
        path.write_bytes(raw[:128] + b"\xff" * (len(raw) - 128))

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "an array is truncated": truncate,
    "the ids are overwritten": overwrite("user_ids"),
    "the ends of rows are overwritten": overwrite("indptr"),
    "the rows are overwritten": overwrite("indices"),
    "the manifest is gone": lambda folder: (folder / "manifest.json").unlink(),
    "the manifest is cut": lambda folder: os.truncate(folder / "manifest.json", 100),
    "the folder is gone": shutil.rmtree,
}


STATES = ("current", "previous", "complete")
QUICK = dict(zip(DAMAGES, STATES * 3, strict=False))  # a state for each damage; the others are long


@pytest.mark.parametrize(
    ("damage", "state"),
    [
        pytest.param(damage, state, id=f"{name}, {state}", marks=() if QUICK[name] == state else pytest.mark.long)
        for name, damage in DAMAGES.items()
        for state in STATES
    ],
)
def test_a_damaged_artifact_keeps_nobody_in_a_list(
    settings: Settings, store_redis: Redis, generations: Generations, damage: Callable[[Path], object], state: str
) -> None:
    """Whichever artifact it is: all lists lose the user, all other artifacts do, and what remains is said."""
    for run in ("a", "b"):
        train(settings, store_redis, run)
        score(settings, generations, run)
    generations.roll_back("a person")
    generations.release()
    train(settings, store_redis, "c")
    score(settings, generations, "c")
    damaged = next(run for run in ("c", "a", "b") if generations.state(run) == state)
    damage(folder_of(settings.artifacts) / damaged)
    whole = {path: path.read_bytes() for path in (folder_of(settings.artifacts) / damaged).glob("*")}
    with pytest.raises(ErasureError, match=f"the user is in no list any more.*; but generation {damaged}: ") as caught:
        erase(settings, store_redis)
    assert caught.value.exit_code == 10
    assert {path: path.read_bytes() for path in whole} == whole  # what is damaged is not sealed as if it were whole
    for run in ("a", "b", "c"):
        bucket = bucket_of(GONE, generations.manifest(run).n_user_buckets)
        assert store_redis.hget(KEYS.recs(run, bucket), str(GONE)) is None
        progress = generations.progress(run)
        assert progress is not None
        assert (progress.n_users, progress.users_written) == (699, 699)
        if run != damaged:
            check_gone(settings, generations, run)
    with pytest.raises(ErasureError, match=f"generation {damaged}: "):  # again, and counted once
        erase(settings, store_redis)
    pointer = generations.current()
    assert pointer is not None
    assert pointer.n_users == 699


def test_a_damaged_list_goes_and_stops_nothing(settings: Settings, store_redis: Redis, generations: Generations) -> None:
    for run in ("a", "b"):
        train(settings, store_redis, run)
        score(settings, generations, run)
    lists = KEYS.recs("b", bucket_of(GONE, generations.manifest("b").n_user_buckets))
    store_redis.hset(lists, str(GONE), b"\x09zz")
    assert [(one.generation, one.items) for one in erase(settings, store_redis)] == [("b", 0), ("a", 30)]
    assert store_redis.hget(lists, str(GONE)) is None
    check_gone(settings, generations, "a")


def test_two_erasures_at_once(settings: Settings, store_redis: Redis, generations: Generations) -> None:
    train(settings, store_redis, "a")
    score(settings, generations, "a")
    users = [GONE, GONE + 1, GONE + 2, GONE]
    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(lambda user: erase(settings, store_redis, user), users))
    for user in users:
        check_gone(settings, generations, "a", user)
    pointer = generations.current()
    assert pointer is not None
    assert pointer.n_users == 697


def test_who_is_entered_while_rows_are_overwritten_is_found_in_the_shard_and_counted(
    settings: Settings, store_redis: Redis, generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(settings, store_redis, "a")
    score(settings, generations, "a")
    remove_rows = erasing._remove_rows

    def after_somebody(*given: Any) -> int | None:
        Erasure(store_redis, KEYS, settings.erasure_secret.get_secret_value()).add(GONE + 1)
        return remove_rows(*given)

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "_remove_rows", after_somebody)
        erase(settings, store_redis, GONE)
    erase(settings, store_redis, GONE + 1)
    for user in (GONE, GONE + 1):
        check_gone(settings, generations, "a", user)


def test_the_list_of_the_erased_names_nobody(settings: Settings, store_redis: Redis) -> None:
    train(settings, store_redis, "a")
    erase(settings, store_redis, "someone@example.org")
    assert not [key for key in store_redis.scan_iter() if b"someone" in key]
    assert all(b"someone" not in member for member in store_redis.zrange(KEYS.erased, 0, -1))


def test_later_runs_leave_the_user_out(settings: Settings, store_redis: Redis, generations: Generations) -> None:
    erase(settings, store_redis)
    train(settings, store_redis, "a")
    manifest = open_artifact(settings.artifacts, "a").manifest
    assert (manifest.n_users, manifest.erased) == (699, ())
    assert score(settings, generations, "a") == "promoted"
    check_gone(settings, generations, "a")


@pytest.mark.parametrize("stage", ["load", "fit", "write", "dispatch"])
def test_an_erasure_while_a_run_trains(settings: Settings, store_redis: Redis, generations: Generations, stage: str) -> None:
    def meanwhile(reached: str) -> None:
        if reached == stage:
            erasure_of(settings, store_redis).add(GONE)

    train(settings, store_redis, "a", meanwhile)
    assert score(settings, generations, "a") == "promoted"
    erase(settings, store_redis)
    check_gone(settings, generations, "a")


@pytest.mark.parametrize("moment", ["before it is written", "after it is written"])
def test_an_erasure_while_a_shard_is_scored(
    settings: Settings, store_redis: Redis, generations: Generations, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(settings, store_redis, "a")
    done: list[list[erasing.Removed]] = []

    def write(*args: Any, **more: Any) -> None:
        if moment == "after it is written":
            write_lists(*args, **more)
        if not done:
            done.append(erase(settings, store_redis))
        if moment != "after it is written":
            write_lists(*args, **more)

    monkeypatch.setattr(publishing, "write_lists", write)
    shard = next(
        number
        for number, (start, end, *_) in enumerate(open_artifact(settings.artifacts, "a")["shards"].tolist())
        if GONE in open_artifact(settings.artifacts, "a").ids("user_ids", start, end)
    )
    made = make_shard(open_artifact(settings.artifacts, "a"), shard)  # with the user, who is erased while it is published
    assert GONE in made.users.ids
    assert publishing.publish(generations, erasure_of(settings, store_redis), made) == "incomplete"
    assert done[0][0].generation == "a"
    check_gone(settings, generations, "a")
    rest = [number for number in range(open_artifact(settings.artifacts, "a").manifest.n_shards) if number != shard]
    assert score(settings, generations, "a", rest) == "promoted"
    check_gone(settings, generations, "a")


@pytest.mark.parametrize("step", ["the lists", "the artifact"])
def test_an_erasure_that_was_cut_short_is_made_good_by_the_next_try(
    settings: Settings, store_redis: Redis, generations: Generations, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(settings, store_redis, "a")
    score(settings, generations, "a")
    with monkeypatch.context() as patch:
        if step == "the lists":
            patch.setattr(store_redis, "hdel", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        else:
            patch.setattr(scrub, "sealed", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(settings, store_redis)
    erase(settings, store_redis)
    check_gone(settings, generations, "a")


def test_the_user_s_bytes_are_in_no_file(settings: Settings, store_redis: Redis, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("userID,itemID,rating\n" + "".join(f"user-{u},item-{(u + i) % 20},1\n" for u in range(40) for i in range(5)))
    named = settings.model_copy(update={"interactions": str(path), "time_column": ""})
    train(named, store_redis, "a")
    files = list((folder_of(settings.artifacts) / "a").iterdir())
    assert any(b"user-17" in file.read_bytes() for file in files)
    erase(named, store_redis, "user-17")
    assert not any(b"user-17" in file.read_bytes() for file in files)
    artifact = open_artifact(settings.artifacts, "a")
    assert sorted(map(str, artifact.ids("user_ids")))[1:] == sorted(f"user-{u}" for u in range(40) if u != 17)
    assert np.sum(scrub.popular_counts(artifact)) == 39 * 5


def test_what_is_kept_of_files_loses_the_user(settings: Settings, store_redis: Redis, tmp_path: Path) -> None:
    days = tmp_path / "days"
    days.mkdir()
    for day, users in (("1", range(10)), ("2", range(5, 15)), ("3", range(5))):
        rows = (f"user-{u},item-{(u + i) % 9},1\n" for u in users for i in range(5))
        (days / f"{day}.csv").write_text("userID,itemID,rating\n" + "".join(rows))
    named = settings.model_copy(update={"interactions": str(days), "time_column": "", "incremental": True})
    train(named, store_redis, "a")
    reading = folder_of(settings.artifacts) / READ_FOLDER

    def kept() -> list[set[str]]:
        return sorted((set(pl.read_parquet(file)["user"].cast(pl.String)) for file in reading.rglob("*.parquet")), key=len)

    assert [len(users) for users in kept()] == [5, 10, 10]
    erase(named, store_redis, "user-7")
    assert kept() == [{f"user-{u}" for u in range(5)}]
    train(named, store_redis, "b")
    assert [len(users) for users in kept()] == [5, 9, 9]
    assert open_artifact(settings.artifacts, "b").manifest.reading["dropped"]["erased user"] == 10


def test_without_the_secret_nothing_runs_that_could_bring_users_back(settings: Settings, store_redis: Redis) -> None:
    bare, other = (settings.model_copy(update={"erasure_secret": SecretStr(text)}) for text in ("", "x"))
    with pytest.raises(SettingsError, match="LARDER_ERASURE_SECRET is not set"):
        erase(bare, store_redis)
    train(bare, store_redis, "before")  # nobody is erased yet
    erase(settings, store_redis)
    for wrong, message in ((bare, "is not set"), (other, "is not the secret")):
        with pytest.raises(SettingsError, match=message):
            train(wrong, store_redis, "after")
        with pytest.raises(SettingsError, match=message):
            publishing.publish(
                Generations(store_redis, KEYS), erasure_of(wrong, store_redis), make_shard(open_artifact(settings.artifacts, "before"), 0)
            )


@pytest.fixture
def stack(services: Callable[..., Services]) -> Services:
    return services(interactions="synthetic:3000x2500x150000", shard_target_s=0.01, lease_s=2, erasure_secret="a secret")


@pytest.mark.long
def test_a_twin_that_slept_through_an_erasure_brings_nobody_back(stack: Services) -> None:
    assert stack.run("run", "--here").returncode == 0
    generation = stack.generations.ids()[0]
    worker = stack.start("worker")

    def asleep() -> int | None:
        return next((horse for parent in children(worker.pid) for horse in children(parent) if stopped(horse)), None)

    sleeper = await_that(asleep, "a work-horse at work")
    stack.start("worker")
    assert stack.await_state(generation, "current", "failed") == "current"
    artifact = open_artifact(stack.settings.artifacts, generation)
    # Every user of the first shards, among which is the sleeper's: whichever it holds, some of its users are erased.
    victims = [artifact.ids("user_ids", start, start + 1)[0] for start, *_ in artifact["shards"].tolist()]
    for victim in victims:
        erase(stack.settings, stack.redis, victim)
    os.kill(sleeper, signal.SIGCONT)
    await_that(lambda: not Path(f"/proc/{sleeper}").exists(), "the sleeper ends")
    buckets = artifact.manifest.n_user_buckets
    for victim in victims:
        assert not stack.redis.hexists(stack.keys.recs(generation, bucket_of(victim, buckets)), str(victim))
    progress = stack.generations.progress(generation)
    assert progress is not None
    assert progress.users_written == progress.n_users == 3000 - len(victims)
