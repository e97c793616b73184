"""Columns whose names say nothing: `check` proposes a command that reads them, and that command works."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trainer.cli.check import check

N = 600
Row = Callable[[int], tuple[Any, ...]]


def written(folder: Path, names: str, row: Row, separator: str = ",") -> Path:
    path = folder / "my table.csv"
    lines = [separator.join(map(str, row(n))) for n in range(N)]
    path.write_text("\n".join([*([separator.join(names.split(","))] if names else []), *lines]) + "\n")
    return path


def proposed(source: str, *options: str) -> list[str]:
    """The words of the command that is proposed; it is tried."""
    result = CliRunner().invoke(check, [source, *options])
    assert result.exit_code == 2, result.output
    lines = [line.strip() for line in result.output.splitlines() if " check " in line and "-column" in line]
    if not lines:
        return []
    words = shlex.split(lines[-1].partition(" check ")[2])
    tried = CliRunner().invoke(check, words)
    assert tried.exit_code == 0, tried.output
    return words[1:]


CASES: dict[str, tuple[str, Row, list[str]]] = {
    "hours played": (
        "who,what,behaviour,hours",
        lambda n: (n % 60, f"Game {n % 57}", ("purchase", "play")[n % 2], n % 40 + 0.5),
        ["--user-column", "who", "--item-column", "what", "--weight-column", "hours"],
    ),
    "places": (
        "userID,placeID,rating,food_rating",
        lambda n: (f"U{1000 + n % 61}", 132_000 + n % 57, 1 + n % 3, n % 3),
        ["--user-column", "userID", "--item-column", "placeID", "--weight-column", "rating"],
    ),
    "stories and comments": (
        "author,story,comment,at_time",
        lambda n: (f"a{n % 61}", 3000 + n % 57, 99_000 + n, 1_700_000_000 + n),
        ["--user-column", "author", "--item-column", "story", "--time-column", "at_time"],
    ),
    "a transaction and its items": (
        "transaction_id,sku_name,n",
        lambda n: (9000 + n // 4, f"thing {n % 57}", 1),
        ["--user-column", "transaction_id", "--item-column", "sku_name"],
    ),
    "letters": (
        "s,d,y,at",
        lambda n: (f"s{n % 61}", f"d{n % 57}", 1 + n % 5, f"2024-01-{1 + n % 28:02d}"),
        ["--user-column", "s", "--item-column", "d", "--weight-column", "y", "--time-column", "at"],
    ),
    "members": (
        "Member_number,Date,itemDescription",
        lambda n: (1000 + n % 61, f"{1 + n % 28:02d}-07-2015", f"thing {n % 57}"),
        ["--user-column", "Member_number", "--item-column", "itemDescription", "--time-column", "Date"],
    ),
    "two columns of users": (
        "customer_id,user,product",
        lambda n: (f"s{n % 61}", f"d{n % 3}", n % 57),
        ["--user-column", "customer_id", "--item-column", "product"],
    ),
    "bookings of hotels": (
        "booking_ref,guest,hotel,rate_eur,arrival",
        lambda n: (f"B{n:06d}", f"g{n % 61}", f"h{n % 57}", f"{59 + n % 80}.00", f"2024-01-{1 + n % 28:02d}"),
        ["--user-column", "guest", "--item-column", "hotel", "--time-column", "arrival"],
    ),
    "large ids that are no times": (
        "steam64,appid_name,minutes,last_played",
        lambda n: (76_561_198_000_000_000 + n % 61, f"Game {n % 57}", n * 13 % 900, 1_700_000_000 + n * 60),
        ["--user-column", "steam64", "--item-column", "appid_name", "--time-column", "last_played"],
    ),
    "stays, in another language": (
        "Kundennr,Artikelnr,Menge,Datum",
        lambda n: (10_000 + n % 61, f"A-{n % 57}", 1 + n % 3, f"{1 + n % 28:02d}.01.2024 10:11"),
        ["--user-column", "Kundennr", "--item-column", "Artikelnr", "--weight-column", "Menge", "--time-column", "Datum"],
    ),
    "prices are no weights": (
        "buyer_email,good,unit_price,bought",
        lambda n: (f"u{n % 61}@x.org", f"good {n % 57}", 9.99 + n % 7, f"2024-01-{1 + n % 28:02d}"),
        ["--user-column", "buyer_email", "--item-column", "good", "--time-column", "bought"],
    ),
    "a usage in percent is a weight": (
        "household,asset,usage,total_plays",
        lambda n: (f"h{n % 61}", f"tt{n % 57:07d}", n % 90, 1 + n % 30),
        ["--user-column", "household", "--item-column", "asset", "--weight-column", "total_plays"],
    ),
    "baskets": (
        "customer,things",
        lambda n: (f"u{n % 61}", f'"[{n % 57}, {100 + n % 31}]"'),
        ["--baskets", "--user-column", "customer", "--item-column", "things"],
    ),
    "no names, texts alone": (
        "",
        lambda n: (f"u{n % 61}", f"p{n % 57}"),
        ["--no-header", "--user-column", "1", "--item-column", "2", "--weight-column", "", "--time-column", ""],
    ),
    "no names": (
        "",
        lambda n: (f"u{n % 61}", f"p{n % 57}", 1 + n % 5, 1_700_000_000 + n),
        ["--no-header", "--user-column", "1", "--item-column", "2", "--weight-column", "3", "--time-column", "4"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_command_is_proposed_and_works(tmp_path: Path, name: str) -> None:
    names, row, expected = CASES[name]
    assert proposed(str(written(tmp_path, names, row))) == expected


def test_columns_by_place_that_do_not_fit(tmp_path: Path) -> None:
    path = written(tmp_path, "", lambda n: (151_603_712 + n % 61, f"Game {n % 57}", ("purchase", "play")[n % 2], n % 40 + 0.5, 0))
    expected = ["--no-header", "--user-column", "1", "--item-column", "2", "--weight-column", "4", "--time-column", ""]
    assert proposed(str(path), "--no-header") == expected


def test_types_of_events_and_evidence_are_shown(tmp_path: Path) -> None:
    names, row, _ = CASES["hours played"]
    output = CliRunner().invoke(check, [str(written(tmp_path, names, row))]).output
    assert "in place of --weight-column: --event-column behaviour --event-weights play=1,purchase=1" in output
    assert "weight, hours: 40 different numbers in 600 rows, 0.5 to 39.5" in output


def test_options_that_were_given_stay(tmp_path: Path) -> None:
    names, row, expected = CASES["letters"]
    path = written(tmp_path, names, row, "#")
    assert proposed(str(path), "--separator", "#") == ["--separator", "#", *expected]


def test_a_table_of_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as store, store:
        store.execute("CREATE TABLE t (who INT, place TEXT)")
        store.executemany("INSERT INTO t VALUES (?, ?)", [(n % 61, f"p{n % 57}") for n in range(N)])
    address = f"sqlite:///{tmp_path / 'a.db'}"
    assert proposed(address, "--sql-table", "t") == ["--sql-table", "t", "--user-column", "who", "--item-column", "place"]


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("title,genre", lambda n: (f"title {n}", f"genre {n}")),
        ("note,more", lambda n: (f"word {n} " * 40, "word " * 50)),
        ("only", lambda n: (n % 60,)),
        (",".join(f"c{n}" for n in range(200)), lambda n: tuple(range(n, n + 200))),
    ],
)
def test_where_nothing_is_likely_nothing_is_proposed(tmp_path: Path, names: str, row: Row) -> None:
    assert proposed(str(written(tmp_path, names, row))) == []


def test_a_missing_file_has_no_columns(tmp_path: Path) -> None:
    assert proposed(str(tmp_path / "nothing.csv")) == []
