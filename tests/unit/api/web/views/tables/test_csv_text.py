from __future__ import annotations

import csv
from io import StringIO

import pytest

from api.web.views.tables.csv_text import cell_text, csv_text


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        (True, "true"),
        (-3, "-3"),
        (-0.25, "-0.25"),
        ("-0.25", "-0.25"),
        ("+1e-05", "+1e-05"),
        ("Léon – 1994", "Léon – 1994"),
        ("a-b=c", "a-b=c"),
        ("=1+2", "'=1+2"),
        ("+1+2", "'+1+2"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t'=1"),
        ("\ntext", "'\ntext"),
        ("＝1", "'＝1"),
        ("a;=1", "a;'=1"),
        ("a\n=1", "a\n'=1"),
        ("-1\n", "'-1\n"),
        ("", ""),
    ],
)
def test_numbers_stay_and_formulas_become_texts(cell: str | float | None, expected: str) -> None:
    assert cell_text(cell) == expected


def test_a_table_is_read_back_as_it_was_written() -> None:
    rows = [["a,b", 'c"d', "e\nf"], ["", "é", "1"]]
    text = csv_text(["x", "y", "z"], rows)
    assert text.startswith("x,y,z\r\n")
    assert list(csv.reader(StringIO(text, newline=""))) == [["x", "y", "z"], *rows]
