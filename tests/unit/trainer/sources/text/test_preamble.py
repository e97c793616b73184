"""What stands before the line of names: obeyed or left out, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reading import read, refusal, rows

BODY = "user_id,item_id,rating\n1,10,5\n2,10,4\n"
ROWS = [(1, 10, 5.0), (2, 10, 4.0)]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
@pytest.mark.parametrize("given", [{}, {"separator": ";"}])
def test_the_separator_that_a_line_names_is_obeyed_and_said(csv: Path, line: str, given: dict[str, str]) -> None:
    csv.write_bytes(f"{line}\r\n{BODY}".replace(",", ";").replace("\r\n", "\n").replace("\n", "\r\n").encode())
    found, problems = read(csv, **given)
    assert found == ROWS
    assert any("names the separator" in note and "sep=;" in note.lower() for note in problems.notes)


def test_a_named_separator_without_a_line_of_names(csv: Path) -> None:
    csv.write_text("sep=|\n1|10\n2|10\n")
    assert rows(csv, header=False) == [(1, 10, 1.0), (2, 10, 1.0)]


@pytest.mark.parametrize(
    "before",
    ["UTF-8\n", "# exported 2026-01-02 by shop\n#\n", "Report of orders\n\nMay 2026,\n", "# 1, 2, 3\n", '"a title\nof two lines"\n'],
    ids=["encoding", "comments", "title", "comment with commas", "quoted title"],
)
def test_lines_before_the_names_are_left_out_and_said(csv: Path, before: str) -> None:
    csv.write_text(before + BODY)
    found, problems = read(csv)
    assert found == ROWS
    line = before.count("\n") + 1
    (note,) = [note for note in problems.notes if "left out" in note]
    assert note.startswith(f"the names of columns stand on line {line}; what stands before is left out: '{before[:1].strip(chr(34))}")


def test_rows_keep_their_lines_behind_a_title(csv: Path) -> None:
    csv.write_text("Orders\n" + BODY + "3,,1\n")
    _, problems = read(csv)
    assert [example.line for examples in problems.examples.values() for example in examples] == [5]


def test_names_behind_a_mark_of_comments(csv: Path) -> None:
    csv.write_text("#" + BODY)
    assert rows(csv) == ROWS


def test_names_that_the_settings_give_are_known_as_well(csv: Path) -> None:
    csv.write_text("Export 7\n" + BODY.replace("user_id", "who").replace("item_id", "what"))
    assert rows(csv, user_column="who", item_column="what") == ROWS


def test_an_item_that_begins_with_the_mark_is_no_comment(csv: Path) -> None:
    csv.write_text(BODY + "#7,#8,2\n")
    assert rows(csv)[-1] == ("#7", "#8", 2.0)


def test_rows_before_a_line_of_names_are_not_thrown_away(csv: Path) -> None:
    csv.write_text("7,10,5\n" + BODY)
    assert "looks like data" in refusal(csv)


def test_several_byte_order_marks(csv: Path) -> None:
    csv.write_bytes(b"\xef\xbb\xbf" * 2 + BODY.encode())
    assert rows(csv) == ROWS


def test_long_names_of_columns_are_shortened(csv: Path) -> None:
    csv.write_text("a" * 5000 + ",b\n1,2\n")
    assert len(refusal(csv)) < 400


@pytest.mark.parametrize("separator", [",", " ", "\t"])
def test_names_of_rows_as_r_writes_them(csv: Path, separator: str) -> None:
    rows = [f'"{n}"{separator}{n}{separator}7{separator}4\n' for n in range(1, 40)]
    csv.write_text(separator.join(['"user_id"', '"item_id"', '"rating"']) + "\n" + "".join(rows))
    assert "its rows have 4 fields, and its line of names 3" in refusal(csv)
    assert "row.names=FALSE" in refusal(csv)


def test_columns_set_apart_by_several_spaces(csv: Path) -> None:
    csv.write_text("user_id  item_id  rating\n" + "".join(f"{n:<9}{7:<9}{4}\n" for n in range(40)))
    assert "several spaces set columns apart" in refusal(csv)


def test_a_few_rows_that_are_too_long_are_named_and_the_others_read(csv: Path) -> None:
    csv.write_text("user_id,item_id,rating\n" + "".join(f"{n},7,4{',9' if n == 3 else ''}\n" for n in range(40)))
    assert len(rows(csv)) == 39


@pytest.mark.parametrize("user", ["user\u00a0id", "user_id\u200b", "\uff55\uff53\uff45\uff52\uff3f\uff49\uff44"])
def test_names_are_known_as_people_see_them(csv: Path, user: str) -> None:
    csv.write_text(f"{user},item_id\n1,7\n", encoding="utf-8")
    assert rows(csv) == [(1, 7, 1.0)]


def test_a_matrix_is_told_of_wide(csv: Path) -> None:
    csv.write_text("user," + ",".join(f"i{n}" for n in range(30)) + "\n" + "a" + ",1" * 30 + "\n")
    assert "say --wide" in refusal(csv)
