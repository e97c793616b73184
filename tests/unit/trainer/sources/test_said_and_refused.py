"""Tables of the kinds that people have, each of which was once read in silence or refused for another reason than its own."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.support.reading import load, refusal, rows, settings
from trainer.check.check import CheckReport, check

N = 200
START = 1_700_000_007


def report(source: Path | str) -> CheckReport:
    return check(settings(source), Path("no cache"))


def doubts(source: Path | str) -> list[str]:
    return [doubt.what for doubt in load(source).doubts]


def table(path: Path, *, user: str = "u{n}", time: str = "{t}", end: str = "\n") -> Path:
    """Rows of forty users, each with the number `n`, the time `t` and a `row`."""
    made = [f"{user.format(n=100 + at % 40, row=at)},{at % 17},{time.format(t=START + at * 86_500, iso=_iso(at))}" for at in range(N)]
    path.write_bytes(end.join(["user,item,time", *made, ""]).encode())
    return path


def _iso(at: int) -> str:
    return f"{datetime.fromtimestamp(START + at * 86_500, UTC):%Y-%m-%dT%H:%M:%S}" + ("+09:00" if at % 2 else "")


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("b'{n}'", "user ids are written as a program shows values"),
        ("np.int64({n})", "user ids are written as a program shows values"),
        ("ObjectId(5f{n})", "user ids are written as a program shows values"),
        ("M\ufffdller {n}", "user ids hold \ufffd, which stands for a letter that was lost"),
        ("a\x00{n}", "user ids hold characters that nobody sees"),
        ("{n}.", "user ids are numbers, and not written as integers"),
        ("f({n})", ""),
        ("b{n}", ""),
        ("Decimal {n}", ""),
    ],
)
def test_ids_as_no_table_means_them(tmp_path: Path, user: str, said: str) -> None:
    assert doubts(table(tmp_path / "t.csv", user=user)) == ([said] if said else [])


@pytest.mark.parametrize(
    ("one", "other", "many"),
    [
        ("6f9619ff-8b86-d011-b42d-00c04fc96{n}", "6F9619FF-8B86-D011-B42D-00C04FC96{n}", True),
        ("6f9619ff-8b86-d011-b42d-00c04fc96{n}", "{{6f9619ff-8b86-d011-b42d-00c04fc96{n}}}", True),
        ("6f9619ff-8b86-d011-b42d-00c04fc96{n}", "6f9619ff8b86d011b42d00c04fc96{n}", True),
        ("u{n}\u2764", "u{n}\u2764\ufe0f", True),
        ("u{n}", "v{n}", False),
    ],
)
def test_most_ids_in_two_forms(tmp_path: Path, one: str, other: str, many: bool) -> None:
    path = table(tmp_path / "t.csv", user=one)
    path.write_text(path.read_text() + table(tmp_path / "u.csv", user=other).read_text().partition("\n")[2])
    found = report(path)
    assert (found.exit_code, any("80 users differ only in" in finding.what for finding in found.findings)) == (int(many), many)


def test_two_ids_in_two_forms_are_a_remark(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv")
    path.write_text(path.read_text() + f"U100,3,{START}\n")
    assert report(path).exit_code == 0


def test_half_of_the_ids_whole_numbers(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv")
    path.write_text(path.read_text() + table(tmp_path / "u.csv", user="{n}").read_text().partition("\n")[2])
    assert any(note.startswith("user ids are texts, though 50 % are whole numbers: line 2 has 'u100'") for note in report(path).notes)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("{iso}", ["some times name their zone, and others none"]),
        ("{t}00", ["the latest time is of 1975-06-11"]),  # hundredths of a second, whose size is that of ms
        ("{t}000", []),
    ],
)
def test_times(tmp_path: Path, time: str, said: list[str]) -> None:
    assert doubts(table(tmp_path / "t.csv", time=time)) == said


@pytest.mark.parametrize("time", ["13344{t}00", "2023111422304{t}", "{t}5"])
def test_numbers_in_a_unit_that_nothing_tells(tmp_path: Path, time: str) -> None:
    path = table(tmp_path / "t.csv", time=time)
    said = refusal(path)
    assert "would be after the year 2100 as" in said
    assert "--time-unit" in said
    assert load(path, time_column="").interactions.time is None


def test_texts_by_number(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"user": ["a", "b"], "item": [1, 2], "rating": ["3", "4"], "time": ["2024-01-05", "2024-01-06"]}).with_columns(
        pl.col("user", "rating", "time").cast(pl.Categorical)
    ).write_parquet(path)
    assert rows(path) == [("a", 1, 3.0, 1_704_412_800), ("b", 2, 4.0, 1_704_499_200)]


def test_lists_under_an_unknown_name(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"user": [n % 9 for n in range(99)], "basket": [[n, 5] for n in range(99)]}).write_parquet(path)
    found = report(path)
    assert found.exit_code == 2
    assert any("--baskets" in finding.advice for finding in found.findings)


def test_bytes_among_texts_of_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.db")) as shop:
        shop.execute("CREATE TABLE o (user, item)")
        shop.executemany("INSERT INTO o VALUES (?, ?)", [("é".encode() if n % 2 else "é", n) for n in range(9)])
        shop.commit()
    assert {row[0] for row in rows(f"sqlite:///{tmp_path / 't.db'}", sql_table="o")} == {"é"}


def test_columns_that_only_a_later_file_has(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item\n1,2\n2,3\n")
    (tmp_path / "b.csv").write_text("user,item,rating,colour\n1,3,5,red\n")
    assert doubts(tmp_path) == ["columns that the first file does not have are not read"]
    assert load(tmp_path, weight_column="").doubts == ()
    (tmp_path / "b.csv").write_text("user,item,colour\n1,3,red\n")
    assert doubts(tmp_path) == []


def test_blocks_of_a_movie_without_dates(tmp_path: Path) -> None:
    path = tmp_path / "mv.txt"
    path.write_text("7:\n1,3\n2,5\n8:\n1,4\n")
    assert rows(path) == [(1, 7, 3.0), (2, 7, 5.0), (1, 8, 4.0)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x05\x06" + b"\0" * 18, "is an empty zip archive"),
        (b"\x04\x22\x4d\x18" + b"\0" * 50, "is packed by lz4"),
        (b"<stata_dta><header>" + b"\0" * 50, "is a file of Stata"),
        (gzip.compress(b"RDX3\nX\n\0\0\0\3", mtime=0), "packed by gzip, is a file of R"),
        (b"\0\0\0user,item\n1,2\n", "its first line holds '\\x00'"),
        (b'user,item\n"1,2"\n"1,3"\n"2,3"\n"2,4"\n"3,4"\n', "its lines stand in quotation marks as a whole, as '\"1,2\"'"),
        (b'"user,item"\n"1,2"\n"1,3"\n"2,3"\n"2,4"\n"3,4"\n', "its lines stand in quotation marks as a whole"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\x1e{"user": 1, "item": 2}\n\x1e{"user": 1, "item": 3}\n', "a record separator (the character 1E) before each"),
        ('{"user": 1, "item": 2},\n{"user": 1, "item": 3},\n{"user": 2, "item": 3}\n', "a comma behind each"),
    ],
)
def test_objects_that_are_no_lines(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    assert said in refusal(path)
