"""Times that are numbers, in every kind of table: dates by their digits, units that differ from row to row, zeros for none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.reading import load, read, refusal
from trainer.sources.load import LoadedSource
from trainer.sources.values.convert import FUTURE, NO_DATE, NO_TIME, STRAY_TIME, ZERO_TIME
from trainer.sources.values.times import SAMPLE

N = 600
MORNING = 1_577_934_245  # 2020-01-02T03:04:05Z
Write = Callable[[Path, list[Any]], str]


def _csv(folder: Path, times: list[Any]) -> str:
    path = folder / "t.csv"
    path.write_text("user,item,time\n" + "".join(f"{n % 60},{n % 17},{'' if one is None else one}\n" for n, one in enumerate(times)))
    return str(path)


def _json(folder: Path, times: list[Any]) -> str:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps({"user": n % 60, "item": n % 17, "time": one}) + "\n" for n, one in enumerate(times)))
    return str(path)


def _parquet(folder: Path, times: list[Any]) -> str:
    path = folder / "t.parquet"
    _frame(times).write_parquet(path)
    return str(path)


def _sql(folder: Path, times: list[Any]) -> str:
    with closing(sqlite3.connect(folder / "t.db")) as store, store:
        store.execute("CREATE TABLE t (user INT, item INT, time)")
        store.executemany("INSERT INTO t VALUES (?, ?, ?)", _frame(times).rows())
    return f"sqlite:///{folder / 't.db'}"


def _frame(times: list[Any]) -> pl.DataFrame:
    return pl.DataFrame({"user": [n % 60 for n in range(len(times))], "item": [n % 17 for n in range(len(times))], "time": times})


EVERY = pytest.mark.parametrize("write", [_csv, _json, _parquet, _sql], ids=["csv", "json", "parquet", "sql"])


def loaded(source: str, **given: Any) -> LoadedSource:
    return load(source, **given, **({"sql_table": "t"} if source.startswith("sqlite") else {}))


def span(source: str, **given: Any) -> tuple[str, str]:
    """The first and the last day that are left."""
    time = loaded(source, **given).interactions.time
    assert time is not None
    first, last = (datetime.fromtimestamp(int(second), UTC) for second in (time.min(), time.max()))
    return f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}"


DAYS = [20240101 + n % 28 for n in range(N)]


@EVERY
@pytest.mark.parametrize("given", [{}, {"time_format": "%Y%m%d"}], ids=["", "said"])
def test_dates_of_eight_digits(tmp_path: Path, write: Write, given: dict[str, str]) -> None:
    assert span(write(tmp_path, DAYS), **given) == ("2024-01-01 00:00", "2024-01-28 00:00")


@EVERY
def test_dates_of_eight_digits_in_a_column_with_holes(tmp_path: Path, write: Write) -> None:
    assert span(write(tmp_path, [None, *map(float, DAYS)])) == ("2024-01-01 00:00", "2024-01-28 00:00")


@EVERY
@pytest.mark.parametrize(
    ("odd", "reason"),
    [(99991231, FUTURE), (0, ZERO_TIME), (-1, ZERO_TIME), (19000101, STRAY_TIME), (20240230, NO_TIME), (20241399, NO_TIME), (7, NO_TIME)],
)
@pytest.mark.parametrize("at", [0, N], ids=["first", "last"])
def test_one_odd_value_among_dates_is_named_and_changes_no_other(tmp_path: Path, write: Write, odd: int, reason: str, at: int) -> None:
    source = write(tmp_path, [*DAYS[:at], odd, *DAYS[at:]])
    assert span(source) == ("2024-01-01 00:00", "2024-01-28 00:00")
    problems = loaded(source).problems
    assert dict(+problems.dropped) == {reason: 1}
    (example,) = problems.examples[reason]
    assert (example.value, example.column) == (str(odd), "time")


@EVERY
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2024010112, 2024010113], ("2024-01-01 12:00", "2024-01-01 13:00")),
        ([202401011230, 202401021230], ("2024-01-01 12:30", "2024-01-02 12:30")),
        ([20240101101112, 20240102101112], ("2024-01-01 10:11", "2024-01-02 10:11")),
        ([2024001, 2024366], ("2024-01-01 00:00", "2024-12-31 00:00")),
        ([202401, 202402], ("2024-01-01 00:00", "2024-02-01 00:00")),
        ([2023, 2024], ("2023-01-01 00:00", "2024-01-01 00:00")),
    ],
)
def test_dates_of_other_digits(tmp_path: Path, write: Write, values: list[int], expected: tuple[str, str]) -> None:
    source = write(tmp_path, values * 20)
    assert span(source) == expected
    assert any("dates such as" in note for note in loaded(source).problems.notes)


@EVERY
def test_a_format_is_obeyed_for_numbers(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [20240101101112, 20240102101112] * 20)
    assert span(source, time_format="%Y%m%d%H%M%S") == ("2024-01-01 10:11", "2024-01-02 10:11")


@EVERY
@pytest.mark.parametrize(
    ("values", "unit", "other", "expected"),
    [
        ([45292.5, 45293.25], "excel", "s", ("2024-01-01 12:00", "2024-01-02 06:00")),
        ([19723, 19724], "days", "s", ("2024-01-01 00:00", "2024-01-02 00:00")),
        ([2460310.5, 2460311.5], "julian", "s", ("2024-01-01 00:00", "2024-01-02 00:00")),
        ([638396640000000000, 638397504000000000], "ticks", "ns", ("2024-01-01 00:00", "2024-01-02 00:00")),
        ([133485408000000000, 133486272000000000], "filetime", "ns", ("2024-01-01 00:00", "2024-01-02 00:00")),
    ],
)
def test_what_may_be_in_two_units_is_asked_and_then_read(
    tmp_path: Path, write: Write, values: list[Any], unit: str, other: str, expected: tuple[str, str]
) -> None:
    source = write(tmp_path, values * 20)
    given = {"sql_table": "t"} if write is _sql else {}
    assert f"say which with --time-unit {unit} or --time-unit {other}" in refusal(source, **given)
    assert span(source, time_unit=unit) == expected


@EVERY
def test_seconds_since_2001_are_read_where_it_is_said(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [725_760_000, 725_846_400] * 20)
    assert span(source, time_unit="apple") == ("2024-01-01 00:00", "2024-01-02 00:00")


@EVERY
@pytest.mark.parametrize(("usual", "other", "reason"), [(1000, 1, STRAY_TIME), (1, 1000, NO_DATE), (10**6, 1000, STRAY_TIME)])
def test_rows_in_another_unit_are_named(tmp_path: Path, write: Write, usual: int, other: int, reason: str) -> None:
    times = [(MORNING + n) * (other if n % 50 == 7 else usual) for n in range(N)]
    source = write(tmp_path, times)
    assert span(source) == ("2020-01-02 03:04", "2020-01-02 03:14")
    problems = loaded(source).problems
    assert dict(+problems.dropped) == {reason: N // 50}
    assert problems.examples[reason][0].value == str((MORNING + 7) * other)


@EVERY
def test_too_many_rows_in_another_unit_refuse_the_source(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [(MORNING + n) * (1 if n % 10 == 7 else 1000) for n in range(N)])
    given = {"sql_table": "t"} if write is _sql else {}
    assert f"60 with {STRAY_TIME}" in refusal(source, **given)


@EVERY
def test_zeros_among_epoch_seconds_are_no_times(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [0 if n % 5 == 0 else MORNING + n for n in range(N)])
    assert span(source)[0] == "2020-01-02 03:04"
    assert dict(loaded(source).interactions.dropped) == {ZERO_TIME: N // 5}


@EVERY
def test_small_numbers_are_still_seconds(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, list(range(N)))
    assert span(source) == ("1970-01-01 00:00", "1970-01-01 00:09")
    assert not loaded(source).interactions.dropped


@EVERY
def test_a_column_that_begins_without_times(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [None] * (SAMPLE + 100) + DAYS)
    assert span(source) == ("2024-01-01 00:00", "2024-01-28 00:00")


def test_texts_after_thousands_of_words_for_none(tmp_path: Path) -> None:
    source = _csv(tmp_path, ["NA"] * (SAMPLE + 100) + ["2024-01-05 10:00"] * 400)
    assert span(source) == ("2024-01-05 10:00", "2024-01-05 10:00")


@EVERY
def test_a_column_without_any_time(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [None] * 60)
    assert "no interaction is left of 60 rows: 60 with missing value" in refusal(source, **({"sql_table": "t"} if write is _sql else {}))


@pytest.mark.parametrize("odd", ["1900-01-01", "1970-01-01", "1899-12-30", "0000-00-00"])
def test_the_first_day_of_a_database_among_texts(tmp_path: Path, odd: str) -> None:
    source = _csv(tmp_path, ["2024-01-05"] * 99 + [odd])
    assert span(source) == ("2024-01-05 00:00", "2024-01-05 00:00")
    assert sum(loaded(source).problems.dropped.values()) == 1


def test_the_first_day_of_a_database_among_dates(tmp_path: Path) -> None:
    first = datetime(2024, 1, 5)
    source = _parquet(tmp_path, [first + timedelta(days=n) for n in range(40)] + [datetime(1900, 1, 1)])
    assert span(source)[0] == "2024-01-05 00:00"
    assert dict(loaded(source).interactions.dropped) == {STRAY_TIME: 1}


def test_old_times_among_old_ones_are_kept(tmp_path: Path) -> None:
    source = _csv(tmp_path, ["1965-01-05", "1975-01-05", "1970-01-01"] * 20)
    assert span(source) == ("1965-01-05 00:00", "1975-01-05 00:00")
    assert not read(source)[1].dropped


@EVERY
@pytest.mark.parametrize(("form", "first"), [("%d%m%Y", "2005-01-03"), ("%y%m%d", "2005-01-03"), ("%m%d%y", "2005-01-03")])
def test_a_format_of_digits_has_its_zeros_back(tmp_path: Path, write: Write, form: str, first: str) -> None:
    times = [int(f"{datetime(2005, 1, 3 + n % 28, tzinfo=UTC):{form}}") for n in range(N)]
    assert span(write(tmp_path, times), time_format=form) == (f"{first} 00:00", "2005-01-30 00:00")


def test_times_in_floats_of_32_bits_are_rounded_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    _frame([MORNING + n for n in range(N)]).with_columns(pl.col("time").cast(pl.Float32)).write_parquet(path)
    assert any("floats of 32 bits" in note for note in loaded(str(path)).problems.notes)
