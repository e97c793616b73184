"""What is read without a fault and yet looks wrong: said, so that `check` ends with 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
    "rounded ids": (lambda n: (f"1.2345{n % 60}E+12", n % 17, 4, day(n)), "user ids are numbers with an exponent"),
    "fractions": (lambda n: (f"{n % 60}.5", n % 17, 4, day(n)), "user ids are numbers, and not written as integers"),
    "thousands": (
        lambda n: (n % 60, f'"1,{100 + n % 30}"', 4, day(n)),
        "item ids are numbers, and not written as integers",
    ),
    "signs": (lambda n: (f"+{n % 60}", n % 17, 4, day(n)), "user ids are numbers, and not written as integers"),
    "lists in brackets": (lambda n: (n % 60, f'"[1, {n % 17}]"', 4, day(n)), "item ids look like lists"),
    "lists with marks": (lambda n: (n % 60, f"a{n % 7}|b{n % 5}", 4, day(n)), "item ids look like lists"),
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
    ],
)
def test_of_honest_tables_nothing_is_said(tmp_path: Path, row: Callable[[int], tuple[Any, ...]]) -> None:
    assert said(tmp_path, row) == []


def test_words_of_one_id_among_many_are_no_doubt(tmp_path: Path) -> None:
    assert said(tmp_path, lambda n: ("1e5" if n == 3 else f"u{n % 60}", f"[{n % 17}" if n == 4 else n % 17, 4, day(n))) == []


def test_what_is_kept_names_no_user(tmp_path: Path) -> None:
    row, _ = CASES["a placeholder"]
    (doubt,) = load(written(tmp_path, lambda n: ("anna" if n % 3 == 0 else f"u{n % 61}", *row(n)[1:]))).doubts
    assert "anna" not in doubt.what
    assert doubt.advice.startswith("It is 'anna'.")
