"""Lists as rows, files and addresses of tables: all that needs no server."""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from contract.errors import LarderError, PayloadError, SettingsError, TargetError
from contract.formats import payload
from contract.formats.keys import Id
from tests.support.builders import make_manifest
from tests.support.paths import ROOT
from trainer.cli.export import export
from trainer.export.files import FileTarget, write_csv, write_personalize
from trainer.export.parquet import write_parquet
from trainer.export.rows import Layout, Shape, UserList, looks_exported, wide_items
from trainer.export.spool import Spool
from trainer.export.sql import EXPORTS, parse_table, parse_url, refuse_wide
from trainer.export.target import Lists

LISTS: list[UserList] = [(7, payload.encode([1, 2, 3], [2.784323, 1.5, 0.1])), (8, payload.encode([4], [3.0])), (9, payload.encode([], []))]
TEXTS: list[UserList] = [('a "b", ç', payload.encode(["x,y", "é\n"], [1.0, 0.5])), ("plain", payload.encode(["z"], [1e-8]))]


def lists_of(lists: list[UserList] = LISTS, layout: Layout = "wide", k: int = 2) -> Lists:
    manifest = make_manifest(k=k, user_id_type="int" if lists is LISTS else "str", item_id_type="int" if lists is LISTS else "str")
    return Lists(manifest, Shape.of(manifest, layout, k), len(lists), iter(lists))


def test_wide_rows_are_cut_or_padded() -> None:
    assert list(lists_of().rows()) == [(7, 1, 2), (8, 4, None), (9, None, None)]
    assert [name for name, _ in lists_of().shape.columns] == ["user_id", "item1", "item2"]


def test_long_rows_have_ranks_and_scores() -> None:
    scores = [payload.decode(raw)[1] for _, raw in LISTS]
    assert list(lists_of(layout="long").rows()) == [(7, 1, 1, scores[0][0]), (7, 2, 2, scores[0][1]), (8, 1, 4, scores[1][0])]


def test_titles_stand_beside_the_items_that_have_one() -> None:
    shape = Shape.of(make_manifest(k=2), "long", 2, titles={"1": "One", "02": "not an id", "9": "nobody's"})
    assert [name for name, _ in shape.columns] == ["user_id", "rank", "item_id", "score", "title"]
    assert [(row[2], row[4]) for row in shape.rows(LISTS)] == [(1, "One"), (2, None), (4, None)]
    assert looks_exported([name for name, _ in shape.columns])
    texts = Shape.of(make_manifest(k=2, user_id_type="str", item_id_type="str"), "long", 2, titles={"x,y": "X"})
    assert [row[4] for row in texts.rows(TEXTS)] == ["X", None, None]


def test_unavailable_items_give_their_places_to_what_is_stored_beyond_k() -> None:
    manifest = make_manifest(k=2)
    assert Shape.of(manifest, "wide", 2, ["1", "04", "x", "4 ", "-0"]).unavailable == {1, 0}
    assert list(Shape.of(manifest, "wide", 2, ["1"]).rows(LISTS[:2])) == [(7, 2, 3), (8, 4, None)]
    assert [row[:3] for row in Shape.of(manifest, "long", 2, ["2", "4"]).rows(LISTS)] == [(7, 1, 1), (7, 2, 3)]
    texts = make_manifest(k=2, item_id_type="str")
    assert list(Shape.of(texts, "wide", 2, ["x,y", "7"]).rows(TEXTS[:1])) == [('a "b", ç', "é\n", None)]


def test_what_looks_like_an_export() -> None:
    assert looks_exported(["user_id", "rank", "item_id", "score"])
    assert looks_exported(["user_id", *wide_items(10)])
    for columns in ([], ["user_id"], ["user_id", "item2"], ["user_id", "item1", "note"], ["id", "item1"]):
        assert not looks_exported(columns)


@pytest.mark.parametrize(("kind", "ids"), [("int", [10, -3, 2**40, 9]), ("str", ["10", "9", "é", "Z", "日"])])
def test_a_spool_gives_lists_by_user_id(kind: str, ids: list[Id]) -> None:
    with Spool("int" if kind == "int" else "str") as spool:
        spool.add((str(one).encode(), f"list of {one}".encode()) for one in ids[:2])
        spool.add((str(one).encode(), f"list of {one}".encode()) for one in ids[2:])
        assert spool.n_users == len(ids)
        assert list(spool.lists()) == [(one, f"list of {one}".encode()) for one in sorted(ids)]


def test_csv_quotes_what_needs_it() -> None:
    file = io.BytesIO()
    write_csv(lists_of(TEXTS), file)
    assert file.getvalue().decode() == 'user_id,item1,item2\n"a ""b"", ç","x,y","é\n"\nplain,z,\n'
    assert list(csv.reader(io.StringIO(file.getvalue().decode(), newline=""))) == [
        ["user_id", "item1", "item2"],
        ['a "b", ç', "x,y", "é\n"],
        ["plain", "z", ""],
    ]


def test_csv_scores_have_what_a_float32_has() -> None:
    file = io.BytesIO()
    write_csv(lists_of(layout="long"), file)
    assert file.getvalue().decode().splitlines() == ["user_id,rank,item_id,score", "7,1,1,2.78432298", "7,2,2,1.5", "8,1,4,3"]


def test_json_lines_have_personalize_s_shape() -> None:
    file = io.BytesIO()
    write_personalize(lists_of(), file)
    lines = file.getvalue().decode().splitlines()
    assert lines[0] == '{"input":{"userId":"7"},"output":{"recommendedItems":["1","2"],"scores":[2.78432298,1.5]},"error":null}'
    assert json.loads(lines[2]) == {"input": {"userId": "9"}, "output": {"recommendedItems": [], "scores": []}, "error": None}
    file = io.BytesIO()
    write_personalize(lists_of(TEXTS), file)
    assert [json.loads(line)["input"]["userId"] for line in file.getvalue().decode().split("\n")[:-1]] == [user for user, _ in TEXTS]


@pytest.mark.parametrize("lists", [LISTS, TEXTS], ids=["int", "str"])
def test_parquet_keeps_types_and_names_its_generation(lists: list[UserList], tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    for layout in ("wide", "long"):
        FileTarget(str(path), None).write(lists_of(lists, layout))
        frame = pl.read_parquet(path)
        assert frame.rows() == list(lists_of(lists, layout).rows())
        ids: pl.DataType = pl.Int64() if lists is LISTS else pl.String()
        kinds = [ids] * 3 if layout == "wide" else [ids, pl.Int32(), ids, pl.Float32()]
        assert frame.dtypes == kinds
    about = pl.read_parquet_metadata(path)
    assert {name: about[f"larder.{name}"] for name in ("generation", "data_until")} == {
        "generation": "g1",
        "data_until": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_damaged_list_leaves_the_old_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"lists.{form}"
    path.write_text("old")
    with pytest.raises(PayloadError, match="damaged"):
        FileTarget(str(path), None).write(lists_of([*LISTS[:1], (8, b"\1")]))
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_file_left_by_a_killed_export_is_reused_and_a_living_one_is_not(tmp_path: Path) -> None:
    path, aside = tmp_path / "lists.csv", tmp_path / ".lists.csv.part"
    aside.write_text("x" * 10_000)
    with open(aside) as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        with pytest.raises(TargetError, match="another export writes"):
            FileTarget(str(path), None).write(lists_of())
        assert len(aside.read_text()) == 10_000
    FileTarget(str(path), None).write(lists_of())
    assert path.read_text() == "user_id,item1,item2\n7,1,2\n8,4,\n9,,\n"
    assert [found.name for found in tmp_path.iterdir()] == ["lists.csv"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    FileTarget(str(tmp_path / "link.csv"), None).write(lists_of())
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("user_id,")


def test_files_that_can_t_be(tmp_path: Path) -> None:
    shape = lists_of().shape
    for path, form, reason in (("x.txt", None, "ends in one of .csv, .parquet, .jsonl"), ("-", "parquet", "Parquet is no text")):
        with pytest.raises(SettingsError, match=reason):
            FileTarget(path, form)
    with pytest.raises(TargetError, match="there is no folder"):
        FileTarget(str(tmp_path / "no" / "x.csv"), None).check(shape)
    for path in (str(tmp_path), "/dev/null"):
        with pytest.raises(TargetError, match="is no ordinary file"):
            FileTarget(path, "csv").check(shape)


def test_a_full_disk_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "x.csv").write_text("old")
    with pytest.raises(TargetError, match=r"x\.csv can't be written: No space left on device"):
        FileTarget(str(tmp_path / "x.csv"), None).write(lists_of())
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("x.csv", "old")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("oracle://host/db", "oracle is not known"),
        ("s3://bucket/lists.csv", "s3 is not known"),
        ("mysql://host", "name a database"),
        ("duckdb:///:memory:", "name a file"),
        ("mysql://me:hunter2@host/db", "MYSQL_PWD"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("postgresql://me:hunter2@host/db", "PGPASSWORD"),
        ("postgresql://me@host/db?password=hunter2", "PGPASSWORD"),
        ("postgresql://me:hunter2@host:port/db", "expected sqlite"),
        ("://me:hunter2@host", "expected sqlite"),
    ],
)
def test_addresses_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as raised:
        parse_url(text)
    assert "hunter2" not in str(raised.value)


def test_addresses_get_the_one_driver_that_is_installed() -> None:
    for text in ("postgres://me@host/db", "postgresql://me@host/db", "postgresql+psycopg2://me@host/db"):
        assert parse_url(text).drivername == "postgresql+psycopg"
    assert parse_url("sqlite+pysqlite:///x.db").drivername == "sqlite"
    assert parse_url("mysql://me@host/db").drivername == "mysql+pymysql"
    assert parse_url("mariadb://me@host/db").drivername == "mariadb+pymysql"


def test_names_of_tables() -> None:
    assert parse_table("recs", schemas=False) == (None, "recs")
    assert parse_table("shop.recs", schemas=True) == ("shop", "recs")
    for name, schemas in (("shop.recs", False), ('a"b', True), ("a.b.c", True), ("", True), ("x" * 49, True), ("larder_exports", True)):
        with pytest.raises(SettingsError, match="--table="):
            parse_table(name, schemas=schemas)
    with pytest.raises(SettingsError, match="at most 500 items; use --layout long"):
        refuse_wide(Shape("wide", 501, "int", "int"))


def test_a_reader_that_stops_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    kept = os.dup(1)
    try:
        with open(write, "w") as broken:
            monkeypatch.setattr(sys, "stdout", broken)
            with pytest.raises(LarderError, match="has stopped reading"):
                FileTarget("-", None).write(lists_of(LISTS * 10_000))
            os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())  # what is buffered goes nowhere
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_the_page_on_exports_has_every_option_and_format() -> None:
    text = (ROOT / "docs" / "export.md").read_text()
    options = [name for parameter in export.params for name in parameter.opts]
    assert [name for name in (*options, *(f"`{form}`" for form in ("csv", "parquet", "jsonl")), EXPORTS) if name not in text] == []


def test_writers_take_lists_once() -> None:
    def once() -> Iterator[UserList]:
        yield from LISTS

    manifest = make_manifest(k=2)
    file = io.BytesIO()
    write_parquet(Lists(manifest, Shape.of(manifest, "wide", 2), 3, once()), file)
    file.seek(0)
    assert pl.read_parquet(file).height == 3
