"""What is read without a fault and yet looks wrong: said, so that `check` ends with 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.reading import load

N = 600


def written(folder: Path, row: Callable[[int], tuple[Any, ...]], names: str = "user,item,rating,time") -> Path:
    path = folder / "t.csv"
    rows = (row(n) for n in range(N))
    path.write_text(names + "\n" + "".join(",".join(map(str, one)) + "\n" for one in rows))
    return path


def said(folder: Path, row: Callable[[int], tuple[Any, ...]]) -> list[str]:
    return [doubt.what for doubt in load(written(folder, row)).doubts]


def day(n: int, year: int = 2024) -> str:
    return f"{datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n % 50):%Y-%m-%d}"


CASES: dict[str, tuple[Callable[[int], tuple[Any, ...]], str]] = {
    "a third met a century ago": (
        lambda n: (n % 60, n % 17, 4, day(n, 1924 if n % 3 == 0 else 2024)),
        "200 times (33.3 %) lie decades before the others, as 1924-01-01 before 2024-02-16",
    ),
    "before 1971": (lambda n: (n % 60, n % 17, 4, day(n, 1900)), "all times are before 1971"),
    "in 1970": (lambda n: (n % 60, n % 17, 4, n), "all times are in 1970"),
    "years of another calendar": (lambda n: (n % 60, n % 17, 4, day(n, 1402)), "all times are before 1971"),
    "rounded ids": (lambda n: (f"1.2345{n % 60}E+12", n % 17, 4, day(n)), "user ids are numbers with an exponent"),
    "fractions": (lambda n: (f"{n % 60}.5", n % 17, 4, day(n)), "user ids are numbers, and not written as integers"),
    "thousands": (
        lambda n: (n % 60, f'"1,{100 + n % 30}"', 4, day(n)),
        "item ids are numbers, and not written as integers",
    ),
    "signs": (lambda n: (f"+{n % 60}", n % 17, 4, day(n)), "user ids are numbers, and not written as integers"),
    "lists in brackets": (lambda n: (n % 60, f'"[1, {n % 17}]"', 4, day(n)), "item ids look like lists"),
    "lists with marks": (lambda n: (n % 60, f"a{n % 7}|b{n % 5}", 4, day(n)), "item ids look like lists"),
    "lists of numbers": (lambda n: (n % 60, f"{n % 17} {n % 7} {n % 5}", 4, day(n)), "item ids look like lists"),
    "some rounded ids": (
        lambda n: (f"1.2{n % 60:02d}E+12" if n % 3 == 0 else n % 60, n % 17, 4, day(n)),
        "user ids are in part numbers with an exponent",
    ),
    "some thousands": (
        lambda n: (f'"{960 + n % 60:,}"', n % 17, 4, day(n)),
        "user ids are numbers, and not all written as integers",
    ),
    "thousands of Switzerland": (
        lambda n: (f"{1200 + n % 60:,}".replace(",", "'"), n % 17, 4, day(n)),
        "user ids are numbers, and not written as integers",
    ),
    "decimal commas": (lambda n: (f'"{n % 60},0"', n % 17, 4, day(n)), "user ids are numbers, and not written as integers"),
    "marks of a spreadsheet": (lambda n: (f"'{n % 60:05d}", n % 17, 4, day(n)), "user ids stand in quotation marks"),
    "formulas": (lambda n: (f'="{n % 60:05d}"', n % 17, 4, day(n)), "user ids stand in quotation marks"),
    "quotation marks of prose": (lambda n: (f"\u201ca{n % 60}\u201d", n % 17, 4, day(n)), "user ids stand in quotation marks"),
    "dates": (lambda n: (n % 60, day(n), 4, day(n)), "item ids are dates"),
    "a space that does not break": (
        lambda n: (f"\u00a0{n % 60}", n % 17, 4, day(n)),
        "user ids begin or end with characters that nobody sees",
    ),
    "encoded twice": (
        lambda n: (f"Jos\u00c3\u00a9{n % 60}" if n % 5 else f"Jos\u00e9{n % 60}", n % 17, 4, day(n)),
        "user ids look like UTF-8 that was read in another encoding",
    ),
    "zeros in front of some": (
        lambda n: (f"{n % 60:06d}" if n % 2 else f"{n % 30 * 2 + n % 4 // 2}", n % 17, 4, day(n)),
        "user ids are the same numbers, written in two ways",
    ),
    "a formula that failed": (
        lambda n: (n % 60, "#REF!" if n % 40 == 0 else f"p{n % 17}", 4, day(n)),
        "'#REF!' is an id of the item column",
    ),
    "a line of totals": (
        lambda n: ("Grand total" if n == N - 1 else f"u{n % 60}", n % 17, 4, day(n)),
        "a user is called as a line of totals is",
    ),
    "lines of totals": (
        lambda n: (n % 60, "Total" if n % 40 == 0 else f"p{n % 17}", 4, day(n)),
        "an item is called as a line of totals is",
    ),
    "a word for none": (
        lambda n: ("undefined" if n % 8 == 0 else f"u{n % 61}", n % 17, 4, day(n)),
        "12 % of the rows are of one user whose id may stand for none",
    ),
    "a number for none": (
        lambda n: (-1 if n % 8 == 0 else n % 61 + 1, n % 17, 4, day(n)),
        "12 % of the rows are of one user whose id may stand for none",
    ),
    "times of a spreadsheet": (lambda n: (n % 60, n % 17, 4, f"1.7{n % 50:02d}E+09"), "all times are whole multiples of 10,000 seconds"),
    "seconds since 2001": (lambda n: (n % 60, n % 17, 4, 720_000_007 + n), "the latest time is of 1992-10-25"),
    "one user": (lambda n: (1, n % 17, 4, day(n)), "there is 1 user in 600 rows"),
    "two items": (lambda n: (n % 60, n % 2, 4, day(n)), "there are 2 items in 600 rows"),
    "a placeholder": (lambda n: (0 if n % 3 == 0 else n % 61, n % 17, 4, day(n)), "one user has 34 % of the rows"),
    "an id of events": (lambda n: (n, n % 17, 4, day(n)), "every user has one interaction"),
    "an item a row": (lambda n: (n % 60, n, 4, day(n)), "every item has one interaction"),
    "the same column twice": (lambda n: (n % 17, n % 17, 4, day(n)), "users and items are the same in every row"),
    "a file read twice": (
        lambda n: (n % 300 % 60, n % 300 % 17, 4, 1_700_000_007 + n % 300 * 61),
        "50 % of the rows are another row again, to the second",
    ),
    "weights that are times": (lambda n: (n % 60, n % 17, 1_700_000_000 + n, day(n)), "weights are as large as 1.7e+09"),
    "thousands among weights": (
        lambda n: (n % 60, n % 17, f"1.{201 + n % 300}" if n % 5 == 0 else 7 * (n % 140) + 1, day(n)),
        "weights with a point have three digits behind it, as 1.201",
    ),
    "items and grades exchanged": (
        lambda n: (n % 60, 1 + n % 5, n % 17 + 100, 1_700_000_007 + n * 61),
        "there are 5 items, 1 to 5, and 17 different weights",
    ),
    "days of a spreadsheet among items": (
        lambda n: (n % 60, f"{1 + n % 9}-Mar" if n % 17 == 0 else f"p{n % 17}", 4, day(n)),
        "item ids are in part a day and a month",
    ),
    "99 for none": (lambda n: (n % 60, n % 17, 99 if n % 4 == 0 else 1 + n % 3, day(n)), "150 weights are 99, and all others 3 or less"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_said(tmp_path: Path, name: str) -> None:
    row, expected = CASES[name]
    assert said(tmp_path, row) == [expected]


@pytest.mark.parametrize(
    "row",
    [
        lambda n: (n % 60, n % 17, 1 + n % 5, day(n)),
        lambda n: (f"v1.{n % 60}.2", f"T-{n % 17}", 1 + n % 5, day(n)),
        lambda n: (f"{n % 60:032x}", f"Matrix {n % 17}; The", 1 + n % 5, 1_700_000_007 + n * 61),
        lambda n: (n % 60, n % 17, (1, 5, 99)[n % 3] * 1.5, day(n, 1985)),
        lambda n: (f"{n % 60}e", f"{n % 17}|", 1 + n % 100, day(n)),
        lambda n: (f"{n % 60:05d}", f"Catch-{n % 17}", 1 + n % 5, day(n)),
        lambda n: (0 if n % 30 == 0 else n % 60, f"{n % 17}.{n % 3}.{n % 2}", 1 + n % 5, f"2024-01-{1 + n % 5 * 5:02d}"),
        lambda n: (f"{n % 60} Main St", f"2024-01-{1 + n % 20:02d} what happened", 1 + n % 5, day(n)),
        lambda n: (f"anna.{n % 60}@x.org", "unknown" if n % 17 == 0 else f"p{n % 17}", 1 + n % 5, day(n)),
        lambda n: (f"+49151{n % 60:08d}", f"030 {n % 17:03d} 456", 1 + n % 5, day(n)),
        lambda n: (n % 60, n % 17, f"{1 + n % 5}.{n % 900 + 100}", day(n)),
        lambda n: (n % 60, n % 17, round(1.037 * n % 900 + 1, 3), day(n)),
        lambda n: (n % 60, n % 17, n % 200 if n % 5 else 0.375, day(n)),
        lambda n: (n % 60, 1 + n % 8, 1 + n % 5, 1_700_000_007 + n * 61),
        lambda n: (n % 60, f"MAR{n % 17}", 1 + n % 5, day(n)),
        lambda n: (f"{{{UUID(int=n % 60 + 2**120)}}}", f"Хлеб {n % 17}", 1 + n % 5, day(n)),
    ],
)
def test_of_honest_tables_nothing_is_said(tmp_path: Path, row: Callable[[int], tuple[Any, ...]]) -> None:
    assert said(tmp_path, row) == []


MANY_USERS: dict[str, tuple[Callable[[int], Any], str]] = {
    "a word for none": (lambda n: "Guest" if n % 8 == 0 else f"u{n % 301}", "12 % of the rows are of one user whose id may stand for none"),
    "a number for none": (lambda n: -1 if n % 8 == 0 else n % 301, "12 % of the rows are of one user whose id may stand for none"),
    "a line of totals": (lambda n: "Total" if n == N - 1 else f"u{n % 299}", "a user is called as a line of totals is"),
    "a failed formula": (lambda n: "#REF!" if n % 40 == 0 else f"u{n % 299}", "'#REF!' is an id of the user column"),
    "a line of names": (lambda n: "Buyer" if n == 9 else f"u{n % 299}", "'Buyer' is an id of the user column and its name, too"),
    "zeros in front": (
        lambda n: f"{n % 299:06d}" if n % 2 else f"{n * 7 % 299}",
        "user ids are the same numbers, written in two ways",
    ),
}


@pytest.mark.parametrize("name", MANY_USERS)
def test_it_is_said_of_users_in_many_buckets(tmp_path: Path, name: str) -> None:
    user, expected = MANY_USERS[name]
    path = written(tmp_path, lambda n: (user(n), n % 17, 4, day(n)), names="Buyer,item,rating,time")
    loaded = load(path, user_column="Buyer")
    assert len(loaded.interactions.bucket_ends) > 1
    assert [doubt.what for doubt in loaded.doubts] == [expected]


def test_years_of_another_calendar_are_called_so(tmp_path: Path) -> None:
    row, _ = CASES["years of another calendar"]
    (doubt,) = load(written(tmp_path, row)).doubts
    assert doubt.advice.startswith("Are the years those of a Persian or Islamic calendar?")


@pytest.mark.parametrize(("separator", "expected"), [(";", ["weights with a point have three digits behind it, as 1.201"]), (",", [])])
def test_points_between_semicolons_may_part_thousands(tmp_path: Path, separator: str, expected: list[str]) -> None:
    path = written(tmp_path, lambda n: (n % 60, n % 17, f"{1 + n % 5}.{n % 300 + 201}", day(n)))
    path.write_text(path.read_text().replace(",", separator))
    assert [doubt.what for doubt in load(path).doubts] == expected


def test_thousands_that_are_asked_for_are_read(tmp_path: Path) -> None:
    row, _ = CASES["thousands among weights"]
    loaded = load(written(tmp_path, row), decimal=",")
    assert sorted(set(loaded.interactions.weight.tolist()))[-1] == 1496
    assert loaded.doubts == ()


def test_lists_are_said_once(tmp_path: Path) -> None:
    assert said(tmp_path, lambda n: (n % 60, f"{n % 17}|{n % 7}|{n % 5}", 4, day(n))) == ["item ids look like lists"]


def test_words_of_one_id_among_many_are_no_doubt(tmp_path: Path) -> None:
    assert said(tmp_path, lambda n: ("1e5" if n == 3 else f"u{n % 60}", f"[{n % 17}" if n == 4 else n % 17, 4, day(n))) == []


def test_what_is_kept_names_no_user(tmp_path: Path) -> None:
    row, _ = CASES["a placeholder"]
    (doubt,) = load(written(tmp_path, lambda n: ("anna" if n % 3 == 0 else f"u{n % 61}", *row(n)[1:]))).doubts
    assert "anna" not in doubt.what
    assert doubt.advice.startswith("It is 'anna'.")
