"""Baskets: a list of items a row, however the list is written; what is not certain is asked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.support.reading import read, refusal, rows

FOUND = [(1, "a", 1.0), (1, "b c", 1.0), (2, "a", 1.0)]


def write(folder: Path, text: str, name: str = "b.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    "text",
    [
        'user_id,items\n1,"a,b c"\n2,a\n',
        "user_id,items\n1,a|b c|\n2, a \n",
        "user_id;basket\n1;a,b c\n2;a\n",
        'user_id\titems\n1\t["a", "b c"]\n2\t["a"]\n',
        "user_id\titem_ids\n1\t['a', 'b c']\n2\t['a']\n",
    ],
)
def test_lists_in_a_column(tmp_path: Path, text: str) -> None:
    assert rows(write(tmp_path, text), baskets=True) == FOUND


def test_lists_with_a_type(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": [1, 2], "items": [["a", "b c"], ["a"]]}).write_parquet(tmp_path / "b.parquet")
    assert rows(tmp_path / "b.parquet", baskets=True) == FOUND


def test_json_lines_with_lists(tmp_path: Path) -> None:
    assert (
        rows(write(tmp_path, '{"user_id": 1, "items": ["a", "b c"]}\n{"user_id": 2, "items": ["a"]}\n', "b.jsonl"), baskets=True) == FOUND
    )


def test_times_and_weights_of_a_basket_are_those_of_its_items(tmp_path: Path) -> None:
    path = write(tmp_path, "user_id,items,rating,time\n1,7 8,2,2024-01-05\n")
    assert rows(path, baskets=True) == [(1, 7, 2.0, 1_704_412_800), (1, 8, 2.0, 1_704_412_800)]


def test_what_separates_is_certain_or_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "user_id,items\n1,whole milk\n2,butter\n")
    assert "say --item-separator" in refusal(path, baskets=True)
    assert len(rows(path, baskets=True, item_separator=" ")) == 3
    assert len(rows(path, baskets=True, item_separator="|")) == 2
    assert "say --item-separator" in refusal(write(tmp_path, "user_id,items\n1,a|b;c\n"), baskets=True)


def test_a_basket_without_items_is_counted(tmp_path: Path) -> None:
    found, problems = read(write(tmp_path, "user_id,items\n1,a|b\n2,\n3,|\n,a\n"), baskets=True)
    assert (len(found), problems.n_rows, dict(problems.dropped)) == (2, 5, {"missing value": 3})


def test_columns_that_are_not_known_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "transaction,things\n5,a|b\n")
    assert "name the column of lists with --item-column" in refusal(path, baskets=True)
    assert "--user-column" in refusal(path, baskets=True, item_column="things")
    assert rows(path, baskets=True, item_column="things", user_column="transaction") == [(5, "a", 1.0), (5, "b", 1.0)]
    assert rows(path, baskets=True, item_column="things", user_column="row") == [(2, "a", 1.0), (2, "b", 1.0)]


RAGGED = 'citrus fruit,margarine\n"yogurt, plain",coffee,margarine\n\nwhole milk\n'


def test_lines_that_are_baskets(tmp_path: Path) -> None:
    path = write(tmp_path, RAGGED)
    assert "say --user-column 1" in refusal(path, baskets=True, header=False)
    found, problems = read(path, baskets=True, header=False, user_column="row")
    assert [(user, item) for user, item, _ in found] == [
        (1, "citrus fruit"),
        (1, "margarine"),
        (2, "yogurt, plain"),
        (2, "coffee"),
        (2, "margarine"),
        (4, "whole milk"),
    ]
    assert problems.n_rows == 6


def test_lines_that_begin_with_their_user(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "0 7 8 9\n1 7\n", "train.txt"), baskets=True, header=False, user_column="1") == [
        (0, 7, 1.0),
        (0, 8, 1.0),
        (0, 9, 1.0),
        (1, 7, 1.0),
    ]


def test_two_fields_of_which_one_is_a_list(tmp_path: Path) -> None:
    path = write(tmp_path, "1,7 8\n2,7\n")
    assert rows(path, baskets=True, header=False, user_column="1") == [(1, 7, 1.0), (1, 8, 1.0), (2, 7, 1.0)]
