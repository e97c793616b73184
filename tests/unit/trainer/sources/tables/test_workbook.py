"""Workbooks, written by XlsxWriter: cells have types, a number is a float, and what stands around the table is left out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.support.reading import dropped, load, read, refusal, rows
from trainer.rows.row_filter import MISSING
from trainer.sources.values.convert import NO_NUMBER

NAMES = ["customer_id", "article_id", "stars", "date"]
DAY = 1_704_412_800  # 2024-01-05


def workbook(path: Path, sheets: dict[str, list[list[Any]]], *, at: tuple[int, int] = (0, 0), hidden: str = "") -> Path:
    book = xlsxwriter.Workbook(str(path))
    date = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for name, table in sheets.items():
        sheet = book.add_worksheet(name)
        if name == hidden:
            sheet.hide()
        for row, cells in enumerate(table, at[0]):
            for column, cell in enumerate(cells, at[1]):
                if isinstance(cell, datetime):
                    sheet.write_datetime(row, column, cell, date)
                else:
                    sheet.write(row, column, cell)
    book.close()
    return path


def orders(first: Any = 1) -> list[list[Any]]:
    return [NAMES, [first, "T-1", 5, datetime(2024, 1, 5)], [2, "T-2", 2.5, datetime(2024, 1, 5, 0, 1)]]


@pytest.mark.parametrize("name", ["shop.xlsx", "shop", "shop.csv"])
def test_cells_keep_their_types(tmp_path: Path, name: str) -> None:
    assert rows(workbook(tmp_path / name, {"Orders": orders()})) == [(1, "T-1", 5.0, DAY), (2, "T-2", 2.5, DAY + 60)]


@pytest.mark.parametrize("at", [(0, 0), (3, 2)])
def test_a_title_and_empty_rows_before_the_names(tmp_path: Path, at: tuple[int, int]) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Orders": [["Orders of January"], [], *orders()]}, at=at)
    found, problems = read(path)
    assert len(found) == 2
    assert f"the names of columns stand in row {at[0] + 3}; what stands before is left out: 'Orders of January'" in problems.notes


def test_a_whole_number_among_texts_has_no_point(tmp_path: Path) -> None:
    assert [user for user, *_ in rows(workbook(tmp_path / "a.xlsx", {"O": orders("x9")}), user_id_type="text")] == ["x9", "2"]


def test_rows_are_named_as_the_program_counts_them_and_none_is_lost(tmp_path: Path) -> None:
    table = [
        *orders(),
        *([3, "T-3", 1, datetime(2024, 1, 6)] for _ in range(60)),
        [4, "T-1", "many", datetime(2024, 1, 7)],
        [None, "T-1", 1],
    ]
    path = workbook(tmp_path / "a.xlsx", {"O": table}, at=(2, 0))
    found, problems = read(path)
    assert dropped(path) == {NO_NUMBER: ["line 66: stars 'many'"], MISSING: ["line 67: customer_id ''"]}
    assert (problems.n_rows, len(found)) == (64, 62)


def test_the_sheet_with_the_columns_is_taken_and_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Read me": [["hello"]], "Orders": orders(), "Empty": []})
    found, problems = read(path)
    assert len(found) == 2
    assert any("sheet 'Orders' is read" in note for note in problems.notes)


def test_of_several_sheets_one_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"2023": orders(7), "2024": orders(8)})
    assert "several sheets; name one with --sheet: '2023', '2024'" in refusal(path)
    assert rows(path, sheet="2024")[0][0] == 8
    assert "has no sheet '2025'; it has '2023', '2024'" in refusal(path, sheet="2025")


def test_a_hidden_sheet_is_read_where_it_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"2023": orders(7), "2024": orders(8)}, hidden="2024")
    assert rows(path)[0][0] == 7
    assert rows(path, sheet="2024")[0][0] == 8


def test_sheets_without_names(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"O": orders()[1:]})
    assert "say --no-header" in refusal(path)
    assert rows(path, header=False) == [(1, "T-1", 5.0, DAY), (2, "T-2", 2.5, DAY + 60)]


def test_serials_of_a_spreadsheet_without_a_format_are_asked_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"O": [NAMES, [1, 2, 3, 45296.5], [2, 2, 3, 45297.5]]})
    assert "--time-unit" in refusal(path)
    assert [time for *_, time in rows(path, time_unit="excel")] == [DAY + 43_200, DAY + 129_600]


def test_files_that_are_no_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"\x00" * 600)
    assert "can't be read as a workbook" in refusal(path)
    workbook(path, {"O": []})
    assert "has no sheet that holds anything" in refusal(path)


def test_a_folder_of_workbooks(tmp_path: Path) -> None:
    for name in ("a", "b"):
        workbook(tmp_path / f"{name}.xlsx", {"O": orders()})
    assert load(tmp_path).interactions.weight.sum() == 15
