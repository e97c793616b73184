"""Times: units by magnitude, formats by a sample, zones; and what can't be decided is asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.sources.values.times import clock_for

MORNING = 1_577_934_245  # 2020-01-02T03:04:05Z
DAY = 1_577_923_200


def seconds(values: list[Any], dtype: Any = None, **settings: Any) -> list[float | None]:
    times = pl.Series("time", values, dtype=dtype)
    return [None if value is None else int(value) for value in clock_for(times, SourceSettings(**settings), "a.csv").seconds(times)]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("kind", [int, float, str])
def test_units_are_found_by_magnitude(unit: str, factor: int, kind: type) -> None:
    values = [kind(MORNING * factor), kind((MORNING + 60) * factor)]
    assert seconds(values) == [MORNING, MORNING + 60]
    assert seconds(values, time_unit=unit) == [MORNING, MORNING + 60]
    assert unit in clock_for(pl.Series(values), SourceSettings(), "").note or unit == "s"


def test_small_numbers_are_seconds() -> None:
    assert seconds(["5", "11.5", "-3"]) == [5, 11, -3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02T03:04:05Z", MORNING),
        ("2020-01-02T03:04:05.678Z", MORNING),
        ("2020-01-02T05:04:05+02:00", MORNING),
        ("2020-01-01T22:04:05-0500", MORNING),
        ("2020-01-02 03:04:05+00", MORNING),
        ("2020-01-02 03:04:05 UTC", MORNING),
        ("2020-01-02T03:04:05", MORNING),
        ("2020-01-02 03:04:05", MORNING),
        ("2020-01-02 03:04:05.123456", MORNING),
        ("2020-01-02 03:04", MORNING - 5),
        ("2020-01-02", DAY),
        ("2020/01/02", DAY),
        ("20200102", DAY),
        ("02.01.2020", DAY),
        ("02.01.2020 03:04", MORNING - 5),
        ("01 2, 2020", DAY),
        ("Jan 2, 2020", DAY),
        ("2 January 2020", DAY),
        ("02-Jan-2020", DAY),
        ("Thu Jan 02 03:04:05 +0000 2020", MORNING),
        ("02/Jan/2020:03:04:05 +0000", MORNING),
        ("2020.01.02", DAY),
        ("20200102T030405", MORNING),
        ("20200102T030405Z", MORNING),
        ("2020:01:02 03:04:05", MORNING),
        ("2020-01-02 03:04:05,678", MORNING),
        ("2020-01-02 03:04:05 GMT", MORNING),
        ("Thu, 02 Jan 2020 03:04:05 GMT", MORNING),
        ("Thu Jan 02 03:04:05 UTC 2020", MORNING),
        ("Thu Jan 02 2020 04:04:05 GMT+0100", MORNING),
        ("02JAN2020:03:04:05", MORNING),
        ("2020-W01-4", DAY),
        ("2020年01月02日", DAY),
        ("2.1.2020, 03:04:05", MORNING),
    ],
)
def test_formats_are_found(text: str, expected: int) -> None:
    assert seconds([text, None, text + " "]) == [expected, None, expected]


def test_months_and_days_are_told_apart_or_asked_for() -> None:
    assert seconds(["1/2/2020 3:04", "1/31/2020 3:04"])[0] == MORNING - 5
    assert seconds(["2/1/2020", "31/1/2020"])[0] == DAY
    with pytest.raises(DataError, match=r"^a.csv: times such as '1/2/2020' may be %m/%d/%Y or %d/%m/%Y; say which with --time-format"):
        seconds(["1/2/2020", "3/4/2020"])
    assert seconds(["1/2/2020", "3/4/2020"], time_format="%m/%d/%Y")[0] == DAY
    assert seconds(["1/1/2020", "2/2/2020"]) == [DAY - 86_400, DAY + 31 * 86_400]


def test_two_digit_years() -> None:
    assert seconds(["1/2/20", "1/31/20"])[0] == DAY


def test_some_rows_in_another_format_are_read_too() -> None:
    values = ["2020-01-02T03:04:05Z"] * 3 + ["2020-01-02", "never"]
    assert seconds(values) == [MORNING] * 3 + [DAY, None]


def test_times_that_nobody_can_read() -> None:
    with pytest.raises(DataError, match=r"times such as 'yesterday' have no format that is known; name it with --time-format"):
        seconds(["yesterday", "today"])


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2020, 1, 2, 3, 4, 5)],
        [datetime(2020, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))],
        [datetime(2020, 1, 2, 3, 4, 5, 999)],
    ],
)
def test_columns_of_datetimes(values: list[Any]) -> None:
    assert seconds(values) == [MORNING]


def test_columns_of_dates() -> None:
    assert seconds([date(2020, 1, 2), None]) == [DAY, None]
