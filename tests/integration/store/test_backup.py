"""A backup brings back every list and every pointer; lists are made again from an artifact alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from contract.errors import DataError, GenerationError
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from tests.support.builders import items_pointer
from tests.support.generation_maker import make_generation, settings_for
from tests.support.servers.services import Services
from trainer.backup.backup import backup
from trainer.backup.file import BackupReader, BackupWriter
from trainer.backup.restore import restore
from trainer.erasure.erase import erase
from trainer.run.publishing import publish


@pytest.fixture
def settings(redis_server: str, tmp_path: Path) -> Settings:
    return settings_for(redis_server, f"file://{tmp_path}/artifacts", find_users=True)


@pytest.fixture
def larder(settings: Settings, store_redis: Redis) -> Larder:
    """Two generations, one erased user, metadata of items, and a rollback that holds promotions."""
    made = Larder(settings)
    for name in ("a", "b"):
        make_generation(store_redis, settings, name)
    erase(settings, store_redis, 7, lambda: None)
    revision = made.catalogue.begin()
    n_buckets = made.catalogue.write(revision, 1, [("1", '{"title":"One"}')], ["2"], {"": b"rows"}, {"9": b"alike"}, {"ids": b"titles"})
    made.catalogue.switch(items_pointer(revision, n_buckets=n_buckets, n_unavailable=1))
    made.generations.roll_back("a test")
    return made


def contents(redis: Redis) -> dict[bytes, object]:
    """Every key as DUMP sees it; of hashes and sets, whose order is Redis' own, the sorted members."""
    found: dict[bytes, object] = {}
    for key in redis.scan_iter(count=1000):
        kind = redis.type(key)
        if kind == b"hash":
            found[key] = redis.hgetall(key)
        elif kind == b"set":
            found[key] = redis.smembers(key)
        else:
            found[key] = redis.dump(key)
    return found


def test_a_backup_brings_everything_back(larder: Larder, store_redis: Redis, tmp_path: Path) -> None:
    before = contents(store_redis)
    written = backup(larder, tmp_path / "backup")
    assert (written.header.generation, written.n_records) == ("a", len(before))
    store_redis.flushall()
    assert restore(larder, tmp_path / "backup") == written.header
    after = contents(store_redis)
    assert after == before
    assert larder.erasure.positions([7, 8]) == [0]
    held = larder.generations.held()
    assert held is not None
    assert held.by == "a test"


def test_a_backup_fits_into_another_namespace(larder: Larder, settings: Settings, store_redis: Redis, tmp_path: Path) -> None:
    backup(larder, tmp_path / "backup")
    other = Larder(settings.model_copy(update={"namespace": "copy"}))
    restore(other, tmp_path / "backup")
    assert other.generations.ids() == larder.generations.ids()
    bucket = next(iter(store_redis.scan_iter("larder:recs:a:*"))).decode().rpartition(":")[2]
    assert store_redis.hgetall(Keys("copy").recs("a", int(bucket))) == store_redis.hgetall(Keys().recs("a", int(bucket)))


def test_nothing_is_restored_over_what_is_there(larder: Larder, tmp_path: Path) -> None:
    backup(larder, tmp_path / "backup")
    with pytest.raises(GenerationError, match="2 generation"):
        restore(larder, tmp_path / "backup")


def test_of_a_damaged_backup_nothing_is_left(larder: Larder, store_redis: Redis, tmp_path: Path) -> None:
    path, damaged = tmp_path / "backup", tmp_path / "damaged"
    backup(larder, path)
    with BackupReader(path) as reader, BackupWriter(damaged, reader.header) as writer:
        *records, last = reader.records()
        for record in (*records, last._replace(value=b"?")):
            writer.add(record)
        writer.finish()
    store_redis.flushall()
    with pytest.raises(DataError, match="is damaged"):
        restore(larder, damaged)
    assert store_redis.dbsize() == 0


def test_lists_come_back_from_an_artifact_alone(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services()
    stack.start("worker")
    data = tmp_path / "events.csv"
    data.write_text("user,item\n" + "".join(f"u{n % 40},i{n * 7 % 30}\n" for n in range(600)))
    assert stack.run("run", "--here", "--wait", "--interactions", str(data)).returncode == 0, stack.logs()
    pointer = stack.generations.current()
    assert pointer is not None
    name = pointer.generation

    def lists() -> dict[bytes, object]:
        return {key: value for key, value in contents(stack.redis).items() if key.startswith((b"larder:recs:", b"larder:similar:"))}

    before = lists()
    assert before
    larder = Larder(stack.settings)
    with pytest.raises(GenerationError, match="it is served"):
        publish(larder, name, lambda: None)
    stack.redis.delete(*stack.redis.keys("larder:*"))
    said = stack.run("publish")
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"generation {name} is being scored in 1 shards" in said.stdout
    stack.await_state(name, "current")
    assert lists() == before
