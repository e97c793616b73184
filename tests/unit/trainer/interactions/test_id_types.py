"""Integers or texts: decided by most ids of a column, in every kind of table; the others are dropped and named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.settings.settings import SourceSettings
from tests.support.reading import load, read, refusal
from trainer.interactions.id_types import ODD_ID, as_integers
from trainer.rows.row_filter import MISSING, NAMES_AGAIN
from trainer.sources import load as sources
from trainer.sources.load import LoadedSource

Write = Callable[[Path, list[Any]], str]
N = 400


def _csv(folder: Path, users: list[Any]) -> str:
    path = folder / "t.csv"
    path.write_text("user,item\n" + "".join(f"{'' if one is None else one},{n % 17}\n" for n, one in enumerate(users)), encoding="utf-8")
    return str(path)


def _json(folder: Path, users: list[Any]) -> str:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps({"user": one, "item": n % 17}) + "\n" for n, one in enumerate(users)))
    return str(path)


def _parquet(folder: Path, users: list[Any]) -> str:
    path = folder / "t.parquet"
    _frame(users).write_parquet(path)
    return str(path)


def _sql(folder: Path, users: list[Any]) -> str:
    with closing(sqlite3.connect(folder / "t.db")) as store, store:
        store.execute("CREATE TABLE t (user, item INT)")
        store.executemany("INSERT INTO t VALUES (?, ?)", _frame(users).rows())
    return f"sqlite:///{folder / 't.db'}"


def _frame(users: list[Any]) -> pl.DataFrame:
    return pl.DataFrame({"user": users, "item": [n % 17 for n in range(len(users))]}, strict=False)


EVERY = pytest.mark.parametrize("write", [_csv, _json, _parquet, _sql], ids=["csv", "json", "parquet", "sql"])


def loaded(source: str, **given: Any) -> LoadedSource:
    return load(source, **given, **({"sql_table": "t"} if source.startswith("sqlite") else {}))


def users_of(source: str, **given: Any) -> list[Any]:
    return sorted(loaded(source, **given).interactions.user_ids)


TEXTS = [str(n % 80) for n in range(N)]
WHOLE = sorted(range(80))


@EVERY
@pytest.mark.parametrize("odd", ["12a", "007", "1e3", "+5", "-0", "1,234", "5.5", "9223372036854775808"])
@pytest.mark.parametrize("at", [0, N])
def test_one_odd_id_is_dropped_and_named_and_changes_no_other(tmp_path: Path, write: Write, odd: str, at: int) -> None:
    written = f'"{odd}"' if write is _csv else odd
    source = write(tmp_path, [*TEXTS[:at], written, *TEXTS[at:]])
    assert users_of(source) == WHOLE
    found = loaded(source)
    assert dict(found.interactions.dropped) == {ODD_ID: 1}
    (example,) = found.problems.examples[ODD_ID]
    assert (example.column, example.value) == ("user", odd)
    assert example.line == at + (2 if write is _csv else 1)
    assert users_of(source, user_id_type="text") == sorted([*map(str, WHOLE), odd])


def test_rows_of_an_odd_id_go_with_weight_and_time(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n % 40},{n % 17},{n + 1},{1_600_000_000 + n}\n" for n in range(N)]
    path.write_text("user,item,rating,time\n" + "".join([*rows[:7], "x9,3,1000,1700000000\n", *rows[7:]]))
    made = load(path).interactions
    assert made.time is not None
    assert sorted(zip(made.weight.tolist(), made.time.tolist(), strict=True)) == [(n + 1, 1_600_000_000 + n) for n in range(N)]
    assert [made.user_ids[user] for user in made.user_idx] == [n % 40 for n in range(N)]
    assert [made.item_ids[item] for item in made.item_idx] == [n % 17 for n in range(N)]


@EVERY
def test_many_texts_among_integers_make_all_texts_and_the_first_is_named(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [f"{one}a" if n % 20 == 3 else one for n, one in enumerate(TEXTS)])
    assert set(map(type, users_of(source))) == {str}
    (note,) = [note for note in loaded(source).problems.notes if "are texts" in note]
    assert "'3a'" in note
    assert f"line {5 if write is _csv else 4}" in note
    assert "--user-id-type integer" in note


def test_integers_that_are_asked_for(tmp_path: Path) -> None:
    source = _csv(tmp_path, [f"{one}a" if n % 40 == 3 else one for n, one in enumerate(TEXTS)])
    found = loaded(source, user_id_type="integer")
    assert set(map(type, found.interactions.user_ids)) == {int}
    assert dict(found.interactions.dropped) == {ODD_ID: N // 40}
    assert f"{N // 40} with {ODD_ID}" in refusal(source, user_id_type="integer", max_broken_rows=0.01)


def test_texts_that_are_asked_for(tmp_path: Path) -> None:
    assert users_of(_csv(tmp_path, TEXTS), user_id_type="text") == sorted(map(str, WHOLE))


def test_codes_with_leading_zeros_stay_texts(tmp_path: Path) -> None:
    codes = [str(10_000 + n) for n in range(N)]
    source = _csv(tmp_path, [*codes, "00417"])
    assert users_of(source) == sorted([*codes, "00417"])
    assert any("'00417'" in note for note in loaded(source).problems.notes)


@EVERY
def test_whole_floats_are_integers(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [float(n % 80) for n in range(N)] + [None])
    found = loaded(source)
    assert sorted(found.interactions.user_ids) == WHOLE
    assert dict(found.interactions.dropped) == {MISSING: 1}
    assert write is _json or any("written as floats" in note for note in found.problems.notes)


@EVERY
def test_floats_and_integers_name_the_same_users(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [f"{one}.0" if n % 3 else one for n, one in enumerate(TEXTS)])
    assert users_of(source) == WHOLE


@EVERY
def test_fractions_are_no_ids(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, [n + 0.5 for n in range(N)])
    if write in (_parquet, _sql):
        assert "integers or texts" in refusal(source, **({"sql_table": "t"} if write is _sql else {}))
    else:
        assert not any(isinstance(user, int) for user in (users_of(source) if write is _csv else ["refused by line"]))


@EVERY
def test_spaces_around_ids_are_left_out_and_said(tmp_path: Path, write: Write) -> None:
    source = write(tmp_path, ["ana", " ana", "ana ", "\tana", "bob", "ana\u00a0", "  "])
    assert users_of(source) == ["ana", "ana\u00a0", "bob"]
    found = loaded(source)
    assert dict(found.interactions.dropped) == {MISSING: 1}
    assert any("spaces around 4 user ids" in note for note in found.problems.notes)


@EVERY
def test_a_space_after_the_comma_keeps_integers(tmp_path: Path, write: Write) -> None:
    assert users_of(write(tmp_path, [f" {one}" for one in TEXTS])) == WHOLE


def test_the_line_of_names_again_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    mark = "\ufeff"
    path.write_text(f"{mark}user_id,item_id\r\n1,10\r\n2,10\r\n{mark}user_id,item_id\r\n3,10\r\n{mark}4,11\r\n", encoding="utf-8")
    found = load(path)
    assert sorted(found.interactions.user_ids) == [1, 2, 3, 4]
    assert dict(found.interactions.dropped) == {NAMES_AGAIN: 1}
    assert [example.line for example in found.problems.examples[NAMES_AGAIN]] == [4]
    assert sum("spaces around 1 user ids" in note for note in found.problems.notes) == 1  # the mark before 4


def test_names_again_with_a_weight_are_no_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user_id,item_id,rating\n1,10,5\nuser_id,item_id,rating\n2,10,4\n")
    assert read(path, max_broken_rows=0)[1].dropped == {NAMES_AGAIN: 1}


def test_columns_without_names_may_hold_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,2\nx,2\n3,4\n")
    assert load(path, header=False).interactions.weight.size == 3


def test_integers_of_a_file_are_texts_if_asked(tmp_path: Path) -> None:
    assert users_of(_csv(tmp_path, TEXTS), user_id_type="text") == sorted(map(str, WHOLE))


def test_sets_that_come_with_larder_keep_integers(tmp_path: Path) -> None:
    made = sources.load(SourceSettings(interactions="synthetic:20x30x200"), tmp_path).interactions
    assert {type(user) for user in made.user_ids} == {int}


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 5), ("5.0", 5), ("-5.000", -5), ("5.", None), ("05.0", None), ("1.05", None), ("-0.0", None)]
)
def test_what_is_an_integer(text: str, expected: int | None) -> None:
    assert as_integers(pl.Series([text])).to_list() == [expected]


@pytest.mark.parametrize("least", [7, 2**53 + 1, 2**62])
def test_decimals_are_exact(tmp_path: Path, least: int) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"user": [least + n % 80 for n in range(N)], "item": [n % 17 for n in range(N)]})
    frame.with_columns(pl.all().cast(pl.Decimal(38, 0))).write_parquet(path)
    assert users_of(str(path)) == [least + n for n in range(80)]
    frame.with_columns(pl.all().cast(pl.Decimal(38, 2))).write_parquet(path)
    assert users_of(str(path)) == [least + n for n in range(80)]


def test_decimals_of_more_than_64_bits_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"user": [str(10**20 + n % 80) for n in range(N)], "item": [n % 17 for n in range(N)]})
    frame.with_columns(pl.col("user").cast(pl.Decimal(38, 0))).write_parquet(path)
    assert users_of(str(path)) == [str(10**20 + n) for n in range(80)]


@pytest.mark.parametrize(("kind", "least"), [(pl.Float32, 2**24 + 2), (pl.Float64, 2**53 + 2)])
def test_floats_that_are_rounded_are_refused(tmp_path: Path, kind: type[pl.DataType], least: int) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"user": [n % 80 for n in range(N)], "item": [n % 17 for n in range(N)]})
    frame.with_columns((pl.col("user") + least).cast(kind)).write_parquet(path)
    assert "different ids become one" in refusal(path)
    frame.with_columns(pl.col("user").cast(kind)).write_parquet(path)
    assert users_of(str(path)) == WHOLE
