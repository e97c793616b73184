"""Parquet by buckets of users in a folder, and which export of it counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from contract.errors import PayloadError, SettingsError, TargetError
from contract.formats import payload
from contract.formats.keys import bucket_of
from tests.support.builders import make_manifest
from trainer.export.folders import FolderTarget
from trainer.export.rows import Shape, UserList
from trainer.export.target import Lists

LISTS: list[UserList] = [(user, payload.encode([user * 10, user * 10 + 1], [2.0, 1.0])) for user in range(1, 41)]


def lists_of(lists: list[UserList] = LISTS, since: str = "") -> Lists:
    manifest = make_manifest(k=2)
    return Lists(manifest, Shape.of(manifest, "wide", 2, since=since), len(lists), iter(lists))


def latest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "_latest.json").read_text())
    return found


def test_hive_s_names_are_read_by_polars_and_duckdb(tmp_path: Path) -> None:
    FolderTarget(str(tmp_path / "lists"), 4).write(lists_of())
    about = latest(tmp_path / "lists")
    assert {name: about[name] for name in ("generation", "layout", "k", "users", "partitions", "changed_since")} == {
        "generation": "g1", "layout": "wide", "k": 2, "users": 40, "partitions": 4, "changed_since": None
    }  # fmt: skip
    expected = [(user, user * 10, user * 10 + 1, bucket_of(user, 4)) for user in range(1, 41)]
    read = pl.scan_parquet(about["folder"], hive_partitioning=True).select("user_id", "item1", "item2", "user_bucket")
    assert read.sort("user_id").collect().rows() == expected
    files = f"{about['folder']}/**/*.parquet"
    found = duckdb.execute("SELECT user_id, item1, item2, user_bucket FROM read_parquet(?, hive_partitioning = true) ORDER BY 1", [files])
    assert found.fetchall() == expected
    one = next(Path(about["folder"]).glob("user_bucket=2/*.parquet"))
    assert pl.read_parquet_metadata(one)["larder.generation"] == "g1"
    assert pl.read_parquet(one, hive_partitioning=False).columns == ["user_id", "item1", "item2"]
    assert (Path(about["folder"]) / "_SUCCESS").read_bytes() == b""


def test_a_reader_of_the_export_before_has_a_day(tmp_path: Path) -> None:
    target, folder = FolderTarget(str(tmp_path), 2), tmp_path
    target.write(lists_of())
    first = latest(folder)["folder"]
    target.write(lists_of(LISTS[:3]))
    assert pl.read_parquet(f"{first}/**/*.parquet").height == 40
    assert pl.read_parquet(f"{latest(folder)['folder']}/**/*.parquet").height == 3


def test_a_reader_of_an_export_of_last_week_has_a_day_from_when_it_gave_way(tmp_path: Path) -> None:
    target = FolderTarget(str(tmp_path), 2)
    week_ago = tmp_path / f"export={datetime.now(UTC) - timedelta(days=7):%Y%m%dT%H%M%SZ}-00000000"
    target.write(lists_of())
    Path(latest(tmp_path)["folder"]).rename(week_ago)
    pointer = {**latest(tmp_path), "folder": str(week_ago), "export": week_ago.name.removeprefix("export=")}
    (tmp_path / "_latest.json").write_text(json.dumps(pointer))
    for _ in range(2):
        target.write(lists_of())
        assert pl.read_parquet(f"{week_ago}/**/*.parquet").height == 40
    assert {one["folder"] for one in latest(tmp_path)["replaced"]} > {week_ago.name}


def test_what_gave_way_more_than_a_day_ago_goes_and_what_a_killed_export_left(tmp_path: Path) -> None:
    target = FolderTarget(str(tmp_path), 2)
    target.write(lists_of())
    names = [f"export={datetime.now(UTC):%Y%m%dT%H%M%SZ}-0000000{number}" for number in range(3)]
    names[1] = f".{names[1]}.part"
    for name in names:
        (tmp_path / name / "user_bucket=0").mkdir(parents=True)
    (tmp_path / ".export=20200101T000000Z-00000003.part").write_text("a pointer that was not to be")
    target.check(lists_of().shape)
    target.write(lists_of())
    pointer = latest(tmp_path)
    for one in pointer["replaced"]:
        if one["folder"] != names[2]:
            one["at"] = f"{datetime.now(UTC) - timedelta(hours=25):%Y-%m-%dT%H:%M:%SZ}"
    (tmp_path / "_latest.json").write_text(json.dumps(pointer))
    target.write(lists_of())
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"_latest.json", Path(latest(tmp_path)["folder"]).name, Path(pointer["folder"]).name, names[2]}


@pytest.mark.parametrize("pointer", ["no json", "[]", '{"replaced": 3}', '{"replaced": [{"folder": "x"}]}'])
def test_a_pointer_that_says_nothing_of_it_costs_no_reader_anything(tmp_path: Path, pointer: str) -> None:
    target = FolderTarget(str(tmp_path), 2)
    target.write(lists_of())
    first = latest(tmp_path)["folder"]
    (tmp_path / "_latest.json").write_text(pointer)
    target.write(lists_of())
    assert Path(first).is_dir()


def test_a_damaged_list_leaves_what_was_there(tmp_path: Path) -> None:
    FolderTarget(str(tmp_path), 2).write(lists_of())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PayloadError, match="damaged"):
        FolderTarget(str(tmp_path), 2).write(lists_of([*LISTS, (99, b"\1")]))
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_that_has_changed_is_still_a_table(tmp_path: Path) -> None:
    FolderTarget(str(tmp_path), 2).write(lists_of([], since="g0"))
    read = pl.read_parquet(f"{latest(tmp_path)['folder']}/**/*.parquet", hive_partitioning=False)
    assert (read.height, read.columns) == (0, ["user_id", "item1", "item2"])
    assert latest(tmp_path)["changed_since"] == "g0"


def test_folders_that_can_t_be(tmp_path: Path) -> None:
    shape = lists_of().shape
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(TargetError, match=r"holds something else \(thesis.tex\)"):
        FolderTarget(str(tmp_path), 2).check(shape)
    with pytest.raises(TargetError, match="is not a folder"):
        FolderTarget(str(tmp_path / "thesis.tex"), 2).check(shape)
    with pytest.raises(TargetError, match="there is no folder"):
        FolderTarget(str(tmp_path / "no" / "lists"), 2).check(shape)
    for address in ("s3://bucket", "s3:///x", "s3://bucket/x?cache=/y"):
        with pytest.raises(SettingsError, match="expected s3"):
            FolderTarget(address, 2)
