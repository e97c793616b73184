"""Arrow, Avro, zip archives and RecBole's files, each written by the library that people write it with."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

from tests.support.reading import load, read, refusal, rows

MOMENT = 1_704_412_800
TABLE = {"user_id": [1, 2, None], "item_id": ["a", "b", "b"], "rating": [1.5, 2.0, 3.0], "timestamp": [MOMENT, MOMENT + 1, MOMENT]}
KEPT = [(1, "a", 1.5, MOMENT), (2, "b", 2.0, MOMENT + 1)]
RECORD: dict[str, Any] = {
    "type": "record",
    "name": "event",
    "fields": [
        {"name": "user_id", "type": ["null", "long"]},
        {"name": "item_id", "type": "string"},
        {"name": "rating", "type": "float"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("name", ["events.feather", "events.arrow", "events"])
def test_arrow_files(tmp_path: Path, compression: str, name: str) -> None:
    feather.write_feather(pa.table(TABLE), str(tmp_path / name), compression=compression)
    found, problems = read(tmp_path / name)
    assert (found, problems.n_rows) == (KEPT, 3)


def test_kinds_of_arrow_that_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "events.feather"
    path.write_bytes(b"FEA1" + bytes(100) + b"FEA1")
    assert "Feather file of version 1" in refusal(path)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, pa.table(TABLE).schema) as stream:
        stream.write_table(pa.table(TABLE))
    assert "a stream of Arrow" in refusal(path)


def avro(path: Path, schema: dict[str, Any] = RECORD, codec: str = "deflate", **more: object) -> Path:
    records = [
        {"user_id": user, "item_id": item, "rating": rating, "timestamp": datetime.fromtimestamp(time, UTC), "tags": ["x"], **more}
        for user, item, rating, time in zip(*TABLE.values(), strict=True)
    ]
    with open(path, "wb") as file:
        fastavro.writer(file, schema, records, codec=codec)
    return path


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("name", ["events.avro", "events"])
def test_avro_files(tmp_path: Path, codec: str, name: str) -> None:
    found, problems = read(avro(tmp_path / name, codec=codec))
    assert (found, problems.n_rows) == (KEPT, 3)


def test_avro_that_can_not_be_read(tmp_path: Path) -> None:
    assert "can't be read as Avro" in refusal(avro(tmp_path / "a.avro", codec="bzip2"))
    fields = [*RECORD["fields"], {"name": "more", "type": {"type": "map", "values": "long"}}]
    assert "save it as Parquet" in refusal(avro(tmp_path / "a.avro", {**RECORD, "fields": fields}, more={"a": 1}))
    path = avro(tmp_path / "b.avro")
    path.write_bytes(path.read_bytes()[:-20])
    assert "can't be read as Avro" in refusal(path)


def archive(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return path


CSV = "user_id,item_id,rating\n1,a,2\n2,b,x\n" + "3,c,1\n" * 60


def test_a_zip_archive_with_one_table(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.zip", **{"set/ratings.csv": CSV, "set/LICENSE": "free", "__MACOSX/._ratings.csv": "x", "set/.DS_Store": "y"}
    )
    found, problems = read(path)
    assert (len(found), problems.n_rows) == (61, 62)
    assert str(problems.examples["a weight that is no number"][0]) == "line 3: rating 'x'"


def test_a_zip_archive_of_one_file_of_any_name_or_json_lines(tmp_path: Path) -> None:
    assert len(rows(archive(tmp_path / "a.zip", ratings=CSV))) == 61
    assert rows(archive(tmp_path / "a.zip", **{"e.jsonl": '{"user": 1, "item": 2}\n'})) == [(1, 2, 1.0)]


def test_of_several_tables_in_an_archive_one_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", **{"a.csv": CSV, "b.csv": "user,item\n7,8\n"})
    assert "several files; name the one with the interactions by --sheet: 'a.csv', 'b.csv'" in refusal(path)
    assert rows(path, sheet="b.csv") == [(7, 8, 1.0)]
    assert "has no file 'c.csv'" in refusal(path, sheet="c.csv")


def test_archives_that_can_not_be_read(tmp_path: Path) -> None:
    pl.DataFrame(TABLE).write_parquet(tmp_path / "p")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.write(tmp_path / "p", "p.parquet")
    assert "packed by zip, is a Parquet file" in refusal(tmp_path / "a.zip")
    path = archive(tmp_path / "a.zip", **{"a.csv": CSV * 50})
    data = bytearray(path.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert "can't be unpacked" in refusal(path)


def test_recboles_files_name_types_in_their_columns(tmp_path: Path) -> None:
    (tmp_path / "ml.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t302\t3\t891717742\n"
    )
    (tmp_path / "ml.item").write_text("item_id:token\tmovie_title:token_seq\n242\tKolya\n")
    (tmp_path / "ml.user").write_text("user_id:token\tage:token\n196\t49\n")
    found, problems = read(tmp_path / "ml.inter")
    assert found == [(196, 242, 3.0, 881250949), (186, 302, 3.0, 891717742)]
    assert any("RecBole" in note for note in problems.notes)
    assert load(tmp_path).interactions.weight.size == 2  # of the folder the interactions alone
    assert rows(tmp_path / "ml.inter", weight_column="", user_column="user_id")[0] == (196, 242, 1.0, 881250949)


def test_a_name_with_a_colon_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id,note:token\n1,2,x\n")
    assert rows(tmp_path / "a.csv") == [(1, 2, 1.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-- MySQL dump 10.13  Distrib 8.0\nINSERT INTO `o` VALUES (1,2),(2,3);\n", "a dump of SQL"),
        ("--\n-- PostgreSQL database dump\n--\n\nCOPY o (user_id, item_id) FROM stdin;\n1\t2\n", "a dump of SQL"),
        ("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "a dump of SQL"),
        ("INSERT INTO o VALUES (1,2);\n", "a dump of SQL"),
        ("%%MatrixMarket matrix coordinate real general\n9 9 1\n1 2 3\n", "a Matrix Market file"),
    ],
)
def test_texts_that_are_no_tables(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert reason in refusal(path)


def test_a_table_may_begin_with_a_word_of_sql(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("insert_id,user,item\n7,1,2\n")
    assert rows(path) == [(1, 2, 1.0)]
