"""Matrices: every filled cell becomes an interaction, and none is lost or made up."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.support.reading import dropped, load, read, refusal, rows
from trainer.sources.values.convert import NO_NUMBER

FOUND = [("ana", "T-1", 5.0), ("ana", "T-3", 2.5), ("bob", "T-2", 4.0)]


def matrix(folder: Path, text: str = "who,T-1,T-2,T-3\nana,5,,2.5\nbob,NA,4,\n") -> Path:
    path = folder / "matrix.csv"
    path.write_text(text)
    return path


def test_cells_that_are_filled_are_interactions(tmp_path: Path) -> None:
    found, problems = read(matrix(tmp_path), wide=True)
    assert (found, problems.n_rows, dict(problems.dropped)) == (FOUND, 3, {})
    assert "a matrix: the user column is 'who', and 3 others are items ('T-1', 'T-2', 'T-3')" in problems.notes


@pytest.mark.parametrize("empty", [None, float("nan"), 99.0])
def test_a_matrix_of_types(tmp_path: Path, empty: float | None) -> None:
    path = tmp_path / "m.parquet"
    pl.DataFrame({"T-1": [5.0, empty], "user_id": ["ana", "bob"], "T-2": [empty, 4.0], "T-3": [2.5, empty]}).write_parquet(path)
    assert rows(path, wide=True, missing="99") == FOUND


def test_items_are_integers_where_their_columns_are(tmp_path: Path) -> None:
    made = load(matrix(tmp_path, "1,2,3\n7,5,4\n8,,3\n"), wide=True, header=False).interactions
    assert (list(made.user_ids), list(made.item_ids)) == ([1, 7, 8], [2, 3])


def test_a_cell_that_is_no_number_is_named_by_its_line(tmp_path: Path) -> None:
    text = "user,a,b\n" + "".join(f"{n},1,2\n" for n in range(1, 40)) + "40,many,2\n"
    assert dropped(matrix(tmp_path, text), wide=True) == {NO_NUMBER: ["line 41: weight 'many'"]}


def test_a_row_that_is_broken_is_counted_once(tmp_path: Path) -> None:
    text = "user,a,b\n" + "".join(f"{n},1,2\n" for n in range(1, 40)) + "40,1,2,3,4\n"
    found, problems = read(matrix(tmp_path, text), wide=True)
    assert (len(found), problems.n_rows, sum(problems.dropped.values())) == (78, 79, 1)


def test_a_matrix_of_zeros_is_asked_about(tmp_path: Path) -> None:
    path = matrix(tmp_path, "user,a,b,c\n1,0,0,1\n2,0,1,0\n")
    assert "4 of the first 6 cells are 0: say --missing 0" in refusal(path, wide=True)
    assert rows(path, wide=True, missing="0") == [(1, "c", 1.0), (2, "b", 1.0)]


def test_columns_that_are_named(tmp_path: Path) -> None:
    path = matrix(tmp_path, "T-1,T-2,at,guest\n5,,2024-01-05,ana\n,4,2024-01-06,bob\n")
    assert rows(path, wide=True, user_column="guest", time_column="at") == [
        ("ana", "T-1", 5.0, 1_704_412_800),
        ("bob", "T-2", 4.0, 1_704_499_200),
    ]
    assert "has no column 'gast'" in refusal(path, wide=True, user_column="gast")


def test_a_column_of_times_is_no_item(tmp_path: Path) -> None:
    path = matrix(tmp_path, "user_id,T-1,timestamp\n7,5,1704412800\n")
    assert rows(path, wide=True) == [(7, "T-1", 5.0, 1_704_412_800)]
    assert rows(path, wide=True, time_column="") == [(7, "T-1", 5.0)]
    path = matrix(tmp_path, "user_id,T-1,timestamp,created_at\n7,5,1704412800,1704412800\n")
    assert "the time column may be any of 'timestamp', 'created_at'" in refusal(path, wide=True)


def test_an_item_has_one_column(tmp_path: Path) -> None:
    assert "two columns named 'a'" in refusal(matrix(tmp_path, "user,a,a\n1,2,3\n"), wide=True)
    assert "no column besides 'user'" in refusal(matrix(tmp_path, "user\n1\n"), wide=True)


def test_a_matrix_of_several_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.sources.shapes.wide.MADE_AT_ONCE", 4)
    assert rows(matrix(tmp_path), wide=True) == FOUND
