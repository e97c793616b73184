"""Parquet: types are kept, and a column of the wrong type is named; folders, globs and object stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError
from tests.support.reading import HEADER, dropped, read, refusal, rows

WEIGHED = "; --event-column rating --event-weights true=1,false=-1 weighs them"


def parquet(folder: Path, **columns: Any) -> Path:
    path = folder / "events.parquet"
    pl.DataFrame({"userID": [1, 2], "itemID": ["x", "y"], "rating": [1.5, 2.0], "timestamp": [3, 4], **columns}).write_parquet(path)
    return path


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    assert rows(parquet(tmp_path)) == [(1, "x", 1.5, 3), (2, "y", 2.0, 4)]
    assert rows(parquet(tmp_path).rename(tmp_path / "no suffix")) == [(1, "x", 1.5, 3), (2, "y", 2.0, 4)]


@pytest.mark.parametrize(
    ("column", "values", "needed"),
    [
        ("rating", [True, False], f"numbers are needed{WEIGHED}"),
        ("userID", [1.5, 2.25], "integers or texts are needed"),
        ("itemID", [[1], [2]], "integers or texts are needed"),
        ("itemID", [b"\xff", b"x"], "integers or texts are needed"),
        ("itemID", [True, False], "integers or texts are needed"),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path: Path, column: str, values: list[Any], needed: str) -> None:
    message = refusal(parquet(tmp_path, **{column: values}))
    assert f"column {column!r} holds " in message
    assert message.endswith(f" where {needed}")


def test_truth_as_a_weight_is_weighed_if_it_is_said(tmp_path: Path) -> None:
    table = parquet(tmp_path, rating=[True, False])
    assert refusal(table).endswith(f" where numbers are needed{WEIGHED}")
    assert [row[2] for row in rows(table, event_column="rating", event_weights="true=2,false=1")] == [2, 1]


def test_a_time_column_without_values(tmp_path: Path) -> None:
    nothing = parquet(tmp_path, timestamp=pl.Series([None, None]))
    assert "no interaction is left of 2 rows: 2 with missing value" in refusal(nothing)
    assert rows(nothing, time_column="") == [(1, "x", 1.5), (2, "y", 2.0)]


@pytest.mark.parametrize(("second", "shown"), [(-62_200_000_000, "before the year 1"), (253_500_000_000, "after the year 9999")])
def test_dates_that_python_does_not_have_are_counted(tmp_path: Path, second: int, shown: str) -> None:
    times = pl.Series([second * 1_000_000, 1_700_000_000_000_000]).cast(pl.Datetime("us"))
    odd = parquet(tmp_path, timestamp=times)
    assert dropped(odd, max_broken_rows=0.5) == {"a time outside the years 1 to 9999": [f"line 1: timestamp {shown!r}"]}


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Decimal(12, 0), pl.UInt64, pl.Int8])
def test_types_that_hold_ids(tmp_path: Path, dtype: Any) -> None:
    ids = pl.Series(["7", "8"]).cast(dtype)
    assert [str(row[0]) for row in rows(parquet(tmp_path, userID=ids))] == ["7", "8"]


@pytest.mark.parametrize(
    "times",
    [
        [datetime(2020, 1, 2, 3, 4, 5)] * 2,
        [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)] * 2,
        ["2020-01-02T03:04:05Z"] * 2,
        [1577934245000] * 2,
    ],
)
def test_times_of_all_types(tmp_path: Path, times: list[Any]) -> None:
    assert rows(parquet(tmp_path, timestamp=times))[0] == (1, "x", 1.5, 1577934245)


def test_rows_are_named_by_number(tmp_path: Path) -> None:
    path = parquet(tmp_path, userID=[1, None], rating=["2", "x"])
    problems = read(path, max_broken_rows=1)[1]
    assert [str(one) for examples in problems.examples.values() for one in examples] == ["line 2: userID ''"]


def test_a_broken_parquet_file(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    assert "can't be read" in refusal(path)


def test_folders_and_globs(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "_SUCCESS", ".hidden.csv"):
        (tmp_path / name).write_text(HEADER + f"{ord(name[0])},2,3,4\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.csv").write_text(HEADER + "99,2,3,4\n")
    assert [row[0] for row in rows(tmp_path)] == [97, 98, 99]
    assert [row[0] for row in rows(f"{tmp_path}/[ab].csv")] == [97, 98]
    assert "no file matches" in refusal(f"{tmp_path}/*.tsv")
    parquet(tmp_path)
    assert "files of several kinds (csv, parquet)" in refusal(tmp_path)
    (tmp_path / "deep" / "d.csv").write_text("user,item\n1,2\n")
    with pytest.raises(DataError, match=r"d.csv has no column 'userID', which"):
        rows(f"{tmp_path}/**/*.csv")


def test_a_folder_without_tables(tmp_path: Path) -> None:
    assert "a folder without files of tables" in refusal(tmp_path)


def test_a_missing_file_is_named_with_what_may_be_given(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "none.csv")
    assert "movielens-small" in refusal(tmp_path / "none.csv")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An object store, s3://bucket/, whose objects are the files of tmp_path: as much of S3 as a reader needs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = tmp_path / self.path.partition("?")[0].removeprefix("/bucket/")
            if not path.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data, total = path.read_bytes(), path.stat().st_size
            wanted = self.headers.get("Range")
            first, last = 0, total - 1
            if wanted:
                begin, _, end = wanted.removeprefix("bytes=").partition("-")
                first, last = (max(0, total - int(end)), last) if not begin else (int(begin), min(int(end or last), last))
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
            self.end_headers()
            if body:
                self.wfile.write(data[first : last + 1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield "s3://bucket/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_object_store(tmp_path: Path, store: str) -> None:
    parquet(tmp_path)
    (tmp_path / "events.csv").write_text(HEADER + "1,x,1.5,3\n2,y,2,4\n")
    (tmp_path / "events.jsonl").write_text('{"userID": 1, "itemID": "x", "rating": 1.5, "timestamp": 3}\n')
    assert rows(f"{store}events.parquet") == [(1, "x", 1.5, 3), (2, "y", 2.0, 4)]
    assert rows(f"{store}events.csv") == [(1, "x", 1.5, 3), (2, "y", 2.0, 4)]
    assert rows(f"{store}events.jsonl") == [(1, "x", 1.5, 3)]
    assert "can't be read" in refusal(f"{store}none.parquet")
