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


def snowflakes(n: int = 60, start: int = MORNING) -> list[int]:
    """Ids as X gives them: ms since November 2010, a machine of 10 bits, a counter of 12 bits."""
    return [((start + day * 86_401) * 1000 - 1_288_834_974_657 << 22) + (day * 37 % 1024 << 12) + day % 3 for day in range(n)]


@pytest.mark.parametrize("kind", [int, float, str])
@pytest.mark.parametrize("year", [2013, 2017, 2020, 2024])
def test_ids_that_hold_a_time_are_no_nanoseconds(kind: type, year: int) -> None:
    values = [kind(one) for one in snowflakes(start=MORNING + (year - 2020) * 365 * 86_400)]
    with pytest.raises(DataError, match=r"a\.csv: times such as \d+ may be ids in which a time stands.*say --time-unit ns, or leave times"):
        seconds(values)
    assert seconds(values, time_unit="ns")[0] == int(values[0]) // 10**9


@pytest.mark.parametrize("grain", [1, 1000, 10**6, 10**8, 10**9, 60 * 10**9, 86_400 * 10**9])
@pytest.mark.parametrize("kind", [int, float])
def test_nanoseconds_of_any_grain_are_times(grain: int, kind: type) -> None:
    values = [MORNING * 10**9 // grain * grain + grain * (n * 7919 % 1013) for n in range(200)]
    assert seconds([kind(value) for value in values])[3] == pytest.approx(values[3] // 10**9, abs=1)


def test_years_of_two_digits_at_the_beginning_are_asked() -> None:
    days = [f"{date(2024, 1, 1) + timedelta(days=n):%y/%m/%d}" for n in range(90)]
    with pytest.raises(DataError, match=r"times such as '24/01/01' may be %d/%m/%y or %y/%m/%d; say which with --time-format"):
        seconds(days)
    assert seconds(days, time_format="%y/%m/%d")[0] == 1_704_067_200
    assert seconds([f"{day} 03:04" for day in days], time_format="%y/%m/%d %H:%M")[1] == 1_704_067_200 + 86_400 + 3 * 3600 + 240


@pytest.mark.parametrize("form", ["%d/%m/%y", "%m/%d/%y"])
def test_years_of_two_digits_at_the_end_are_read(form: str) -> None:
    days = [date(2019, 11, 3) + timedelta(days=n * 5) for n in range(90)]
    assert seconds([f"{day:{form}}" for day in days]) == [(day - date(1970, 1, 1)).days * 86_400 for day in days]
