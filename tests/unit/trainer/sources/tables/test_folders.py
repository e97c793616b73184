"""Folders: empty parts, parts of a split file, values in the names of folders, formats that keep a log; and files of other kinds."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard

from tests.support.reading import dropped, load, read, refusal, rows
from trainer.sources.values.convert import NO_NUMBER

TWO = "user_id,item_id\n1,10\n2,10\n"
SECONDS = 1_704_412_800  # 2024-01-05


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "parts"
    path.mkdir()
    return path


@pytest.mark.parametrize("empty", ["", "user_id,item_id\n", "\n\n"], ids=["no byte", "names alone", "empty lines"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_a_part_without_rows_is_left_out_with_a_note(folder: Path, empty: str, first: bool, packed: bool) -> None:
    for name, text in (("a" if first else "z", empty), ("m", TWO)):
        data = text.encode()
        (folder / f"{name}.csv{'.gz' if packed else ''}").write_bytes(gzip.compress(data) if packed else data)
    found, problems = read(folder)
    assert found == [(1, 10, 1.0), (2, 10, 1.0)]
    assert sum(problems.dropped.values()) == 0
    assert empty.startswith("user") or any(".csv" in note and note.endswith("left out") for note in problems.notes)


def test_parts_that_are_all_empty(folder: Path) -> None:
    for name in "ab":
        (folder / f"{name}.csv").touch()
    assert "is empty" in refusal(folder)


def test_empty_parts_of_other_formats(folder: Path) -> None:
    (folder / "a.jsonl").write_text("\n")
    (folder / "b.jsonl").write_text('{"user": 1, "item": 2}\n')
    assert rows(folder) == [(1, 2, 1.0)]
    for file in folder.iterdir():
        file.unlink()
    (folder / "a.parquet").touch()
    pl.DataFrame({"user": [1], "item": [2]}).write_parquet(folder / "b.parquet")
    assert rows(folder) == [(1, 2, 1.0)]


def test_the_parts_of_a_split_file(folder: Path) -> None:
    (folder / "part-aa.csv").write_text("user_id,item_id,rating\n1,10,5\n")
    (folder / "part-ab.csv").write_text("2,11,4\n3,12,3\n")
    (folder / "part-ac.csv").write_text("4,13,2\n")
    found, problems = read(folder)
    assert found == [(1, 10, 5.0), (2, 11, 4.0), (3, 12, 3.0), (4, 13, 2.0)]
    assert sum("has no line of names" in note for note in problems.notes) == 2


def test_a_split_file_of_texts_is_refused_with_what_to_do(folder: Path) -> None:
    (folder / "part-aa.csv").write_text("user_id,item_id\nana,tea\n")
    (folder / "part-ab.csv").write_text("bob,milk\n")
    message = refusal(folder)
    assert "part-ab.csv has no column 'user_id'" in message
    assert "join the parts" in message


def test_a_file_of_several_is_named_with_the_line(folder: Path) -> None:
    (folder / "a.csv").write_text("user,item,rating\n" + "1,2,3\n" * 60)
    (folder / "b.csv").write_text("user,item,rating\n1,2,3\n1,2,many\n")
    assert dropped(folder) == {NO_NUMBER: [f"{folder / 'b.csv'}, line 3: rating 'many'"]}
    assert f"{folder / 'b.csv'}, line 3: rating 'many'" in refusal(folder, max_broken_rows=0)


@pytest.mark.parametrize("later", ["2024-01-05", str(SECONDS * 1000), "20240105", "05.01.2024 00:00"])
def test_each_file_has_a_clock_of_its_own(folder: Path, later: str) -> None:
    last = later.replace("05.01", "31.01")  # tells day and month apart
    (folder / "a.csv").write_text(f"user,item,time\n1,2,{SECONDS}\n3,2,{SECONDS + 60}\n")
    (folder / "b.csv").write_text(f"user,item,time\n5,6,{later}\n5,7,{last}\n")
    made = load(folder).interactions
    assert made.time is not None
    assert sorted(made.time.tolist()) == sorted([SECONDS, SECONDS + 60, SECONDS, SECONDS + 26 * 86_400 * (last != later)])
    assert not made.dropped
    assert made.reading["clock"].startswith("seconds since 1970 and ")


def test_a_column_in_the_names_of_folders_is_read_where_one_is_missing(folder: Path) -> None:
    for day in (5, 6):
        inside = folder / f"date=2024-01-0{day}"
        inside.mkdir()
        pl.DataFrame({"user_id": [day, 7], "item_id": [1, 2]}).write_parquet(inside / "part-0.parquet")
    found, problems = read(folder)
    assert found == [(5, 1, 1.0, SECONDS), (7, 2, 1.0, SECONDS), (6, 1, 1.0, SECONDS + 86_400), (7, 2, 1.0, SECONDS + 86_400)]
    assert any("'date' stands in the names of folders" in note for note in problems.notes)


def test_files_with_the_same_bytes_are_named(folder: Path) -> None:
    for name, text in (("a", "1,10"), ("b", "2,11"), ("b (1)", "2,11"), ("c", "3,12"), ("b copy", "2,11")):
        (folder / f"{name}.csv").write_text(f"user,item\n{text}\n")
    found, problems = read(folder)
    assert len(found) == 5
    told = [note for note in problems.notes if "same bytes" in note]
    assert told == [
        "files with the same bytes are all read: is one a copy of the other? "
        f"{folder}/b copy.csv and {folder}/b (1).csv; {folder}/b.csv and {folder}/b (1).csv"
    ]


def test_the_same_bytes_on_two_days_are_no_copies(folder: Path) -> None:
    for name in ("date=2024-01-05", "date=2024-01-06"):
        (folder / name).mkdir()
        (folder / name / "p.csv").write_text(TWO)
    assert not any("same bytes" in note for note in read(folder)[1].notes)
    (folder / "date=2024-01-06" / "q.csv").write_text(TWO)
    (told,) = [note for note in read(folder)[1].notes if "same bytes" in note]
    assert told.endswith(f"{folder}/date=2024-01-06/q.csv and {folder}/date=2024-01-06/p.csv")


def test_a_pattern_that_finds_a_file_twice_reads_it_once(folder: Path) -> None:
    inside = folder / "a" / "b"
    inside.mkdir(parents=True)
    (inside / "m.csv").write_text(TWO)
    assert rows(folder / "**" / "**" / "*.csv") == [(1, 10, 1.0), (2, 10, 1.0)]


def parted(folder: Path, days: list[str], text: str) -> None:
    for day in days:
        inside = folder / "year=2024" / "month=1" / f"day={day}"
        inside.mkdir(parents=True)
        (inside / "p.csv").write_text(text)


def test_a_day_in_the_names_of_three_folders(folder: Path) -> None:
    parted(folder, ["5", "06"], "user,item\n1,10\n")
    found, problems = read(folder)
    assert found == [(1, 10, 1.0, SECONDS + 86_400), (1, 10, 1.0, SECONDS)]  # by name: day=06 stands before day=5
    assert "column 'date' is the day that the names of folders say" in problems.notes
    assert not any("is not read" in note for note in problems.notes)
    assert [row[1] for row in rows(folder, item_column="month")] == [1, 1]


@pytest.mark.parametrize("day", ["32", "__HIVE_DEFAULT_PARTITION__", "first"])
def test_three_folders_that_name_no_day_are_times_that_are_missing(folder: Path, day: str) -> None:
    parted(folder, ["5", day], "user,item\n1,10\n")
    found, problems = read(folder)
    assert found == [(1, 10, 1.0, SECONDS)]
    assert problems.dropped.total() == 1


def test_days_in_the_names_of_some_folders_alone_are_no_column(folder: Path) -> None:
    parted(folder, ["5"], "user,item\n1,10\n")
    (folder / "year=2024" / "month=1" / "late.csv").write_text("user,item\n2,10\n")
    assert sorted(rows(folder)) == [(1, 10, 1.0), (2, 10, 1.0)]


def test_names_of_folders_in_capitals_are_a_day_too(folder: Path) -> None:
    inside = folder / "Year=2024" / "Month=01" / "Day=05"
    inside.mkdir(parents=True)
    (inside / "p.csv").write_text("user,item\n1,10\n")
    assert rows(folder) == [(1, 10, 1.0, SECONDS)]


def test_parts_without_rows_are_no_copies(folder: Path) -> None:
    for name, text in (("a", ""), ("b", "1,10\n"), ("c", "")):
        (folder / f"{name}.csv").write_text(f"user,item\n{text}")
    assert not any("same bytes" in note for note in read(folder)[1].notes)


def test_times_in_the_files_count_more_than_a_day_in_the_names_of_folders(folder: Path) -> None:
    parted(folder, ["7"], f"user,item,timestamp\n1,10,{SECONDS}\n")
    found, problems = read(folder)
    assert found == [(1, 10, 1.0, SECONDS)]
    assert [note.split()[0] for note in problems.notes if "is not read" in note] == ["'year'", "'month'", "'day'"]


def test_a_user_and_an_event_in_the_names_of_folders(folder: Path) -> None:
    for user, event in ((1, "view"), (2, "buy")):
        inside = folder / f"user_id={user}" / f"event={event}"
        inside.mkdir(parents=True)
        (inside / "p.csv").write_text("item_id\n10\n11\n")
    assert rows(folder, event_weights="view=1,buy=5") == [(1, 10, 1.0), (1, 11, 1.0), (2, 10, 5.0), (2, 11, 5.0)]


def test_a_column_in_the_names_of_folders_that_is_not_needed_is_a_note(folder: Path) -> None:
    inside = folder / "date=2024-01-05" / "region=north"
    inside.mkdir(parents=True)
    (inside / "p.csv").write_text(f"user_id,item_id,timestamp\n1,10,{SECONDS}\n")
    found, problems = read(folder)
    assert found == [(1, 10, 1.0, SECONDS)]
    assert [note for note in problems.notes if "is not read" in note] == [
        "'date' in the names of folders (date=...) is not read",
        "'region' in the names of folders (region=...) is not read",
    ]
    assert rows(folder, time_column="date") == [(1, 10, 1.0, SECONDS)]


def test_a_partition_without_a_value_is_missing(folder: Path) -> None:
    for name in ("date=2024-01-05", "date=__HIVE_DEFAULT_PARTITION__"):
        (folder / name).mkdir()
        (folder / name / "p.csv").write_text(TWO)
    assert [time for *_, time in rows(folder)] == [SECONDS] * 2


@pytest.mark.parametrize(
    ("log", "kind", "inside"),
    [
        ("_delta_log/0.json", "Delta", "warehouse/t"),
        (".hoodie/x.commit", "Hudi", ""),
        (".hoodie/x.commit", "Hudi", "warehouse/t"),
        ("metadata/v1.metadata.json", "Iceberg", "warehouse/t"),
        ("metadata/s.avro", "Iceberg", ""),
    ],
)
def test_folders_that_keep_a_log_of_their_files_are_refused(folder: Path, log: str, kind: str, inside: str) -> None:
    table = folder / inside
    (table / log).parent.mkdir(parents=True)
    (table / log).write_text("{}")
    pl.DataFrame({"user_id": [1], "item_id": [7]}).write_parquet(table / "part-0.parquet")
    message = refusal(folder)
    assert f"is or holds a {kind} table" in message
    assert "write its rows to Parquet" in message
    assert rows(table / "part-*.parquet") == [(1, 7, 1.0)]


def _tar(text: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("e.csv")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("e.csv", TWO)
    return made.getvalue()


KINDS = {
    "a tar archive": _tar(TWO),
    "an ORC file": b"ORC\x00\x01\x02",
    "a page of HTML": b"<!DOCTYPE html><html><body>404</body></html>",
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
    "a pickle": pickle.dumps({"user_id": [1], "item_id": [2]}),
    "a NumPy array": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packing", ["", "gz", "zst"])
@pytest.mark.parametrize("given", [{}, {"header": False}])
def test_files_of_other_kinds_are_named(tmp_path: Path, kind: str, packing: str, given: dict[str, bool]) -> None:
    path, data = tmp_path / "events.csv", KINDS[kind]
    path.write_bytes(gzip.compress(data) if packing == "gz" else zstandard.compress(data) if packing else data)
    message = refusal(path, **given)
    assert kind in message
    assert message.isprintable()
    assert len(message) < 300


def test_packings_in_packings(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(TWO.encode())))
    assert "packed twice" in refusal(path)
    pl.DataFrame({"user": [1], "item": [2]}).write_parquet(tmp_path / "p")
    path.write_bytes(gzip.compress((tmp_path / "p").read_bytes()))
    assert "packed by gzip, is a Parquet file" in refusal(path)
    path.write_bytes(gzip.compress(_zip()))
    assert "packed by gzip, is a zip archive" in refusal(path)


def test_a_column_named_like_a_kind_is_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("ORC,user,item\n1,2,3\n")
    assert rows(path) == [(2, 3, 1.0)]


def test_files_of_several_kinds_do_not_count_the_empty_ones(folder: Path) -> None:
    (folder / "a.json").touch()
    (folder / "b.csv").write_text(TWO)
    assert len(rows(folder)) == 2
    (folder / "a.json").write_text(json.dumps({"user_id": 1, "item_id": 2}))
    assert "files of several kinds" in refusal(folder)


def test_names_that_are_not_known_are_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("These are the orders, ask Ana.\n1,2\n")
    (tmp_path / "a.csv").write_text("user,item\n1,2\n")
    assert f"{tmp_path}: README.txt: no column has a known name of users" in refusal(tmp_path)


def test_a_file_and_its_copy_are_doubted(tmp_path: Path) -> None:
    for name in ("a.csv", "a (1).csv"):
        (tmp_path / name).write_text("user,item\n" + "".join(f"{n % 60},{n % 17}\n" for n in range(300)))
    assert "files with the same bytes are all read" in [doubt.what for doubt in load(tmp_path).doubts]


def test_files_in_another_encoding_behind_the_first_are_said_once(folder: Path) -> None:
    (folder / "a.csv").write_text(TWO)
    for name in "bcd":
        (folder / f"{name}.csv").write_bytes("user_id,item_id\né,10\nü,11\n".encode("cp1252"))
    found, problems = read(folder)
    assert found[-1] == ("ü", 11, 1.0)
    assert [note for note in problems.notes if "cp1252" in note] == [
        "some of the files are not UTF-8; read as cp1252. --encoding names another"
    ]
