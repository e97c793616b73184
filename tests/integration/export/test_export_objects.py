"""Exports into a real object store: one object, many parts, folders; and what a killed export leaves to be seen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pytest
from redis import Redis

from contract.artifacts.object_store import ObjectStore
from contract.errors import TargetError
from contract.store.generations import Generations
from tests.support.builders import promote_lists
from tests.support.export_maker import KEYS, promote_many
from tests.support.paths import ROOT
from tests.support.servers.object_server import ObjectServer
from trainer.export.export import Since, export
from trainer.export.files import FileTarget
from trainer.export.folders import FolderTarget
from trainer.export.objects import uploading
from trainer.export.rows import Layout
from trainer.export.target import Target

PART = 5 << 20  # of an upload
DIES_BEFORE_THE_POINTER = """
import os, signal, sys
from contract.artifacts.object_store import ObjectStore
put = ObjectStore.put
ObjectStore.put = lambda self, key, data: os.kill(os.getpid(), signal.SIGKILL) if key == "_latest.json" else put(self, key, data)
from trainer.cli.export import export
export.main(sys.argv[1:], standalone_mode=False)
"""
DIES_BETWEEN_PARTS = """
import io, os, signal, sys
from contract.artifacts.object_store import ObjectStore
class Dies(io.FileIO):
    def read(self, size=-1):
        if self.tell() >= 4 * (5 << 20):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(size)
ObjectStore.upload = lambda self, key, path: self._obstore.put(self._store, key, Dies(path), max_concurrency=1)
from trainer.export.objects import uploading
with uploading(sys.argv[1]) as file:
    file.write(bytes(6 * (5 << 20)))
"""


@pytest.fixture
def options(object_server: ObjectServer) -> dict[str, str]:
    """What polars is told to read from there."""
    return {**{name.lower(): value for name, value in object_server.environ.items()}, "aws_allow_http": "true"}


def export_to(target: Target, redis: Redis, generation: str, layout: Layout = "wide", since: str = "") -> int:
    given = Since(since, scored=layout == "long") if since else None
    return export(Generations(redis, KEYS), generation, target, layout, None, lambda *_: None, given)


def read(place: str, key: str) -> bytes:
    return ObjectStore(place).get(key) or b""


def test_one_object_of_each_form(place: str, store_redis: Redis, options: dict[str, str]) -> None:
    promote_lists(store_redis, KEYS, {1: [(10, 4.5), (11, 4.0)], 2: [(12, 1.0)]}, generation="a", k=2)
    for form in ("csv", "jsonl", "parquet"):
        target = FileTarget(f"{place}/deep/lists.{form}", None)
        target.check()
        export_to(target, store_redis, "a")
    assert read(place, "deep/lists.csv") == b"user_id,item1,item2\n1,10,11\n2,12,\n"
    assert json.loads(read(place, "deep/lists.jsonl").splitlines()[1])["output"] == {"recommendedItems": ["12"], "scores": [1.0]}
    assert pl.read_parquet(f"{place}/deep/lists.parquet", storage_options=options).rows() == [(1, 10, 11), (2, 12, None)]


@pytest.fixture
def passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those that it starts."""
    folder = tmp_path / "passing"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_killed_upload_leaves_the_object_before(place: str, passing: Path) -> None:
    url = f"{place}/large.csv"
    with uploading(url) as file:
        file.write(b"old" * PART)
    assert read(place, "large.csv") == b"old" * PART
    died = subprocess.run([sys.executable, "-c", DIES_BETWEEN_PARTS, url], cwd=ROOT, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert read(place, "large.csv") == b"old" * PART
    assert len(list(passing.rglob("object"))) == 1
    with uploading(url) as file:
        file.write(b"new")
    assert list(passing.iterdir()) == []
    assert read(place, "large.csv") == b"new"


def test_an_error_uploads_nothing(place: str) -> None:
    def half(file: BinaryIO) -> None:
        file.write(b"half")
        raise TargetError("the end")

    with pytest.raises(TargetError, match="the end"):
        FileTarget(f"{place}/x.csv", None).put(half)
    assert not ObjectStore(place).has("x.csv")


def test_a_folder_names_an_export_only_when_all_of_it_is_there(
    place: str, store_redis: Redis, redis_server: str, options: dict[str, str], passing: Path
) -> None:
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 400, 2000)
    target = FolderTarget(f"{place}/lists", 4)
    export_to(target, store_redis, "a")
    first = json.loads(read(place, "lists/_latest.json"))
    called = [sys.executable, "-c", DIES_BEFORE_THE_POINTER, "--to", f"{place}/lists", "--partitions", "4"]
    died = subprocess.run(called, cwd=ROOT, check=False, capture_output=True, env={**os.environ, "LARDER_REDIS_URL": redis_server})
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(ObjectStore(f"{place}/lists").folders()) == 2
    assert any(passing.rglob("*.parquet"))
    assert json.loads(read(place, "lists/_latest.json")) == first
    frame = pl.read_parquet(f"{first['folder']}/**/*.parquet", storage_options=options, hive_partitioning=True)
    assert (frame.height, frame["user_bucket"].n_unique()) == (300, 4)
    ObjectStore(f"{place}/lists").put("export=20200101T000000Z-00000000/user_bucket=0/00000000.parquet", b"old")
    ObjectStore(f"{place}/lists").put("notes/thesis.txt", b"somebody's")
    export_to(target, store_redis, "b")
    assert list(passing.iterdir()) == []
    pointer = json.loads(read(place, "lists/_latest.json"))
    assert (pointer["users"], len(pointer["replaced"])) == (400, 3)
    for one in pointer["replaced"]:
        if "20200101" in one["folder"]:
            one["at"] = "2020-01-02T00:00:00Z"
    ObjectStore(f"{place}/lists").put("_latest.json", json.dumps(pointer).encode())
    export_to(target, store_redis, "b")
    names = ObjectStore(f"{place}/lists").folders()
    assert ("notes" in names, len(names), any("20200101" in name for name in names)) == (True, 5, False)


def test_changes_and_long_lists(place: str, store_redis: Redis, options: dict[str, str]) -> None:
    promote_lists(store_redis, KEYS, {1: [(10, 4.5)], 2: [(12, 1.0)]}, generation="a", k=2)
    promote_lists(store_redis, KEYS, {1: [(11, 4.5)], 3: [(12, 1.0)]}, generation="b", k=2)
    assert export_to(FolderTarget(f"{place}/c", 1), store_redis, "b", "long", since="a") == 3
    folder = json.loads(read(place, "c/_latest.json"))["folder"]
    rows = pl.read_parquet(f"{folder}/**/*.parquet", storage_options=options, hive_partitioning=False).rows()
    assert rows == [(1, 1, 11, 4.5), (2, 0, None, None), (3, 1, 12, 1.0)]


def test_a_store_that_refuses_is_one_sentence(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    for target in (FileTarget(f"{place}/x.csv", None), FolderTarget(place, 2)):
        with pytest.raises(TargetError, match=f"{place} can't be used") as raised:
            target.check(None)  # type: ignore[arg-type]
        assert "wrong" not in str(raised.value)
