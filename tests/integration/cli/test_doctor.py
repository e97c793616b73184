"""`larder doctor`, on real servers: well, and with one thing wrong at a time."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from redis import Redis

from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from tests.support.builders import promote_lists
from tests.support.generation_maker import SECRET, make_generation, settings_for
from tests.support.servers.redis_server import RedisServer
from trainer.cli.doctor import doctor
from trainer.cli.status import status
from trainer.items.items import cleaned
from trainer.items.revision import ItemsSnapshot, write_revision
from trainer.items.titles import with_titles
from trainer.service.strangers import warn_of_strangers
from worker.writer import write_names

START: dict[str, str] = {"hash_max_ziplist_entries": "512", "hash_max_ziplist_value": "2048", "appendonly": "yes"}
Examined = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("LARDER_") and not variable.startswith("LARDER_TEST_"):
            monkeypatch.delenv(variable)


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """Starts a server as Larder's own are configured, but for what the test says; its URL."""
    started: list[RedisServer] = []

    def start(**options: str) -> str:
        started.append(RedisServer(**{**START, **options}))
        started[-1].start()
        return started[-1].url

    yield start
    for one in started:
        one.remove()


def call(url: str, folder: Path, *arguments: str, **environ: str) -> Any:
    given = {"LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": folder.as_uri(), "LARDER_ERASURE_SECRET": SECRET}
    return CliRunner().invoke(doctor, arguments, env={**given, **environ})


def examined(url: str, folder: Path, **environ: str) -> tuple[int, Examined]:
    """The exit code, and what is said by subject."""
    result = call(url, folder, "--json", **environ)
    return result.exit_code, {found["subject"]: found for found in json.loads(result.output)}


def test_a_server_and_a_folder_that_are_well(server: Callable[..., str], tmp_path: Path) -> None:
    url = server()
    with Redis.from_url(url) as redis:
        make_generation(redis, settings_for(url, tmp_path.as_uri()), "g1")
    code, found = examined(url, tmp_path)
    assert code == 0
    assert [one["subject"] for one in found.values() if one["level"] != "ok"] in (["workers"], ["workers", "CPU"])
    assert "both know the same generations" in found["artifacts and namespace"]["what"]
    text = call(url, tmp_path)
    assert text.exit_code == 0
    assert "ok   Redis: when it is full: it refuses writes (noeviction)" in text.output
    assert "warn workers: none listens" in text.output
    assert "      Start one: " in text.output


def test_indexes_that_redis_has_lost(server: Callable[..., str], tmp_path: Path) -> None:
    url = server()
    with Redis.from_url(url) as redis:
        promote_lists(redis, Keys(), {54: [(1, 1.0)], 55: [(1, 1.0)]}, finds_users=True)
        write_names(Generations(redis, Keys()), Keys().names("g1"), (54, 55))
        catalogue = Catalogue(redis, Keys())
        snapshot = with_titles(
            ItemsSnapshot(cleaned(pl.DataFrame({"item": ["1"], "title": ["Heat"]}), "a test"), frozenset()), Settings(), ""
        )
        revision = write_revision(catalogue, catalogue.begin(), snapshot, "command")
        catalogue.switch(revision)
        assert examined(url, tmp_path)[1]["indexes"]["level"] == "ok"
        redis.delete(Keys().names("g1"))
        redis.hdel(Keys().titles(str(revision.revision)), "order")
    code, found = examined(url, tmp_path)
    assert (code, found["indexes"]["level"]) == (1, "fail")
    assert "has 0 of 2 users" in found["indexes"]["what"]
    assert "has no order: no items are found" in found["indexes"]["what"]
    told = CliRunner().invoke(status, env={"LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": tmp_path.as_uri(), "COLUMNS": "250"})
    words = re.sub(r"[│\s]+", " ", told.output)  # in a table as wide as the terminal
    assert "has 0 of 2 users: the others are not found. Train again, which writes it anew: `larder run`" in words


def test_a_server_that_evicts_and_forgets(server: Callable[..., str], tmp_path: Path) -> None:
    code, found = examined(server(maxmemory_policy="allkeys-lru", appendonly="no"), tmp_path)
    assert code == 1
    full, restart = found["Redis: when it is full"], found["Redis: when it restarts"]
    assert (full["level"], restart["level"]) == ("fail", "warn")
    assert "allkeys-lru" in full["what"]
    assert full["advice"].startswith("Set maxmemory-policy noeviction in its configuration")


def test_a_server_that_would_forget_who_is_erased(server: Callable[..., str], tmp_path: Path) -> None:
    url = server(appendonly="no")
    with Redis.from_url(url) as redis:
        Erasure(redis, Keys(), SECRET).add(54)
    code, found = examined(url, tmp_path)
    assert code == 1
    assert found["Redis: when it restarts"]["level"] == "fail"
    assert found["erased users"]["what"].startswith("1 so far")


@pytest.mark.parametrize(("secret", "said"), [("", "LARDER_ERASURE_SECRET is not set"), ("another secret", "is not the secret")])
def test_users_are_erased_and_the_secret_is_not_that_one(server: Callable[..., str], tmp_path: Path, secret: str, said: str) -> None:
    url = server()
    with Redis.from_url(url) as redis:
        Erasure(redis, Keys(), SECRET).add(54)
    code, found = examined(url, tmp_path, LARDER_ERASURE_SECRET=secret)
    assert code == 1
    assert found["erased users"]["level"] == "fail"
    assert said in found["erased users"]["what"]


@pytest.mark.parametrize(
    ("options", "environ", "packed"),
    [
        ({}, {}, "ok"),
        ({}, {"LARDER_DEPTH": "255"}, "ok"),  # 2,044 bytes
        ({}, {"LARDER_DEPTH": "256"}, "warn"),  # 2,052 bytes
        ({"hash_max_ziplist_value": "64"}, {}, "warn"),  # the server's own default
        ({"hash_max_ziplist_entries": "127"}, {}, "warn"),
    ],
)
def test_limits_of_packed_hashes(
    server: Callable[..., str], tmp_path: Path, options: dict[str, str], environ: dict[str, str], packed: str
) -> None:
    code, found = examined(server(**options), tmp_path, **environ)
    assert code == 0
    assert found["Redis: how lists lie"]["level"] == packed


def test_lists_that_are_served_are_measured(server: Callable[..., str], tmp_path: Path) -> None:
    url = server()
    long = [(f"{number:04}" * 50, 1.0) for number in range(20)]  # ids of 200 bytes: 4 KB a list
    with Redis.from_url(url) as redis:
        promote_lists(redis, Keys(), {"u1": long}, k=3, depth=20)
        assert any(redis.object("encoding", key) != b"listpack" for key in redis.scan_iter("larder:recs:*"))
    _, found = examined(url, tmp_path)
    assert found["Redis: how lists lie"]["level"] == "warn"
    assert "up to 4,124 bytes" in found["Redis: how lists lie"]["what"]
    assert "hash-max-listpack-value 4124" in found["Redis: how lists lie"]["advice"]


def test_a_namespace_that_another_folder_belongs_to(server: Callable[..., str], tmp_path: Path) -> None:
    url, mine, other = server(), tmp_path / "mine", tmp_path / "other"
    with Redis.from_url(url) as redis:
        make_generation(redis, settings_for(url, mine.as_uri()), "g1")
    code, found = examined(url, other)
    assert code == 1
    assert found["artifacts and namespace"]["level"] == "fail"
    assert "has g1" in found["artifacts and namespace"]["what"]
    assert "LARDER_NAMESPACE" in found["artifacts and namespace"]["advice"]
    shutil.copytree(mine / "g1", mine / "g0")
    code, found = examined(url, mine)
    assert code == 0
    assert found["artifacts and namespace"]["level"] == "warn"
    assert "has g0" in found["artifacts and namespace"]["what"]


def test_a_trainer_says_at_its_start_that_the_namespace_is_another_stacks(
    server: Callable[..., str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = server()
    mine, other = (settings_for(url, (tmp_path / name).as_uri()) for name in ("mine", "other"))
    with Redis.from_url(url) as redis:
        make_generation(redis, mine, "g1")
    warn_of_strangers(Larder(mine))
    assert not caplog.records
    warn_of_strangers(Larder(other))
    (said,) = caplog.records
    assert said.levelname == "ERROR"
    assert "has g1" in said.getMessage()
    assert "LARDER_NAMESPACE" in said.getMessage()


def test_a_folder_that_is_a_file(server: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, found = examined(server(), tmp_path / "file" / "artifacts")
    assert code == 1
    assert found["artifacts"]["what"] == f"{tmp_path / 'file'} is not a folder"


def test_a_server_that_lets_nobody_look_at_its_configuration(server: Callable[..., str], tmp_path: Path) -> None:
    url = server()
    with Redis.from_url(url) as redis:
        redis.acl_setuser("larder", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all", "-config"])
    code, found = examined(url.replace("unix://", "unix://larder:secret@"), tmp_path)
    assert code == 0
    assert found["Redis: how lists lie"]["level"] == "warn"
    assert "hash-max-listpack-value 244" in found["Redis: how lists lie"]["advice"]  # 30 items of 8 bytes, and 4
    assert found["Redis: when it is full"]["level"] == "ok"  # which INFO tells, too


def test_a_queue_of_its_own_is_looked_at_too(server: Callable[..., str], tmp_path: Path) -> None:
    code, found = examined(server(), tmp_path, LARDER_QUEUE_URL=server(maxmemory_policy="volatile-lru"))
    assert code == 1
    assert found["Redis of the queues: when it is full"]["level"] == "fail"
    assert found["Redis: when it is full"]["level"] == "ok"


def test_a_redis_that_is_away_is_a_finding_and_all_else_is_still_said(tmp_path: Path) -> None:
    code, found = examined("redis://:hunter2@127.0.0.1:1/0", tmp_path)
    assert code == 1
    assert found["Redis"]["level"] == "fail"
    assert "hunter2" not in json.dumps(found)
    assert {"artifacts", "Python", "libraries", "CPU"} < set(found)
