"""Files that were put together, cut apart or written by a database's own program: lines that are no rows are found, counted and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.reading import load, read, refusal
from trainer.rows.row_filter import NAMES_AGAIN, RULE
from trainer.sources.load import LoadedSource

ROWS = "".join(f"{n % 60},{n % 17}\n" for n in range(200))
TEXTS = "".join(f"u{n % 60},i{n % 17}\n" for n in range(200))


def loaded(folder: Path, text: str, **given: object) -> LoadedSource:
    path = folder / "t.csv"
    path.write_text(text)
    return load(path, **given)


@pytest.mark.parametrize("rows", [ROWS, TEXTS], ids=["integers", "texts"])
@pytest.mark.parametrize(
    "line", ["user_id,item_id", "User_ID,Item_ID", '"user_id","item_id"', "\ufeffuser_id,item_id", " user_id , ITEM_ID "]
)
def test_names_again_however_they_are_written(tmp_path: Path, rows: str, line: str) -> None:
    made = loaded(tmp_path, f"user_id,item_id\n{rows}{line}\n{rows}")
    assert dict(made.interactions.dropped) == {NAMES_AGAIN: 1}
    assert (len(made.interactions.user_ids), made.problems.examples[NAMES_AGAIN][0].line) == (60, 202)


@pytest.mark.parametrize("at", [0, 100])
@pytest.mark.parametrize("rows", [ROWS, TEXTS], ids=["integers", "texts"])
def test_a_line_of_names_where_none_was_expected(tmp_path: Path, rows: str, at: int) -> None:
    lines = rows.splitlines(keepends=True)
    made = loaded(tmp_path, "".join([*lines[:at], "Customer_ID,sku\n", *lines[at:]]), header=False)
    assert dict(made.interactions.dropped) == {NAMES_AGAIN: 1}
    assert made.interactions.weight.size == 200


def test_names_in_another_order_refuse_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"user_id,item_id\n{TEXTS}item_id,user_id\n{TEXTS}")
    assert "line 202 has the names of columns in another order" in refusal(path)


def test_ids_that_are_names_of_columns_in_part_are_kept(tmp_path: Path) -> None:
    made = loaded(tmp_path, f"user_id,item_id\n{TEXTS}user,i3\nuser_id,i4\nu3,item_id\n")
    assert not made.interactions.dropped


@pytest.mark.parametrize("line", ["-------,-------", "int,string", "VARCHAR(20),text", "---:,:---", "======,======", "bigint,uuid"])
@pytest.mark.parametrize("rows", [ROWS, TEXTS], ids=["integers", "texts"])
def test_a_line_under_the_names_is_no_row(tmp_path: Path, rows: str, line: str) -> None:
    made = loaded(tmp_path, f"user_id,item_id\n{line}\n{rows}")
    assert dict(made.interactions.dropped) == {RULE: 1}
    assert len(made.interactions.user_ids) == 60


def test_such_ids_further_below_are_rows(tmp_path: Path) -> None:
    assert not loaded(tmp_path, f"user_id,item_id\n{TEXTS}int,string\n").interactions.dropped


@pytest.mark.parametrize(
    "before",
    [
        "Report of orders,\n,\n",
        "# a\n" * 45,
        "Report of orders\n\n",
        '"Orders, 2024",\n',
        "// exported\n",
        "#\n# user_id and item_id follow\n",
    ],
)
def test_what_stands_before_the_names_is_left_out(tmp_path: Path, before: str) -> None:
    made = loaded(tmp_path, f"{before}user_id,item_id\n{ROWS}")
    assert made.interactions.weight.size == 200
    assert any(note.startswith("the names of columns stand on line") for note in made.problems.notes)


@pytest.mark.parametrize("name", ["r.json", "r.jsonl", "r.txt", "r.csv"])
def test_python_literals_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("".join(repr({"reviewerID": f"A{n}", "asin": f"B{n % 7}", "overall": 5.0}) + "\n" for n in range(50)))
    assert "Python literals ({'a': 1})" in refusal(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps([{"user": 1, "item": 2}]), "a JSON array"),
        ("[\n" + ",\n".join(json.dumps({"user": n, "item": 2}) for n in range(50)) + "\n]\n", "a JSON array"),
        (json.dumps({"data": [{"user": 1, "item": 2}]}), "its rows in 'data'"),
        ("".join(json.dumps({"user": n, "item": 2}) for n in range(50)), "several JSON objects on a line"),
        ('{"user": 1,\n"item": 2}\n', "no JSON object on any line"),
    ],
)
def test_json_that_is_not_one_object_a_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    assert said in refusal(path)


def test_json_lines_whose_ids_are_all_lists_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"user": n, "item": [1, 2]}) + "\n" for n in range(50)))
    assert "neither text nor integer for an id (line 1" in refusal(path)


def test_a_list_of_numbers_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("1\n2\n3\n")
    assert "has one column, which begins with '1'; a row needs a user and an item" in refusal(path)


def test_integers_beyond_64_bits(tmp_path: Path) -> None:
    notes = loaded(tmp_path, "user,item\n" + "".join(f"{2**63 + n % 60},{n % 17}\n" for n in range(200))).problems.notes
    assert "user ids are texts, since they are whole numbers of more than 64 bits" in notes


@pytest.mark.parametrize(("form", "write"), [("%d%m%Y", "{1}{0:02d}2024"), ("%m%d%Y", "{0}{1:02d}2024")])
def test_dates_of_digits_that_end_with_the_year_are_asked_and_then_read(tmp_path: Path, form: str, write: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,time\n" + "".join(f"{n},{n % 7},{write.format(1 + n % 12, 1 + n % 28)}\n" for n in range(200)))
    assert f"say --time-format {form}, or --time-unit s" in refusal(path)
    times = sorted(row[3] for row in read(path, time_format=form)[0])
    assert (times[0], len(times)) == (1_704_067_200, 200)


def test_a_second_format_is_said_and_asked_where_it_may_be_two(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,time\n" + "".join(f"{n},{n % 7},{'2024-01-05' if n % 3 else f'{1 + n % 28}/01/2024'}\n" for n in range(200)))
    assert any("have '%d/%m/%Y'" in note for note in read(path)[1].notes)
    path.write_text("user,item,time\n" + "".join(f"{n},{n % 7},{'2024-01-05' if n % 3 else f'{1 + n % 9}/01/2024'}\n" for n in range(200)))
    assert "beside others, may be %m/%d/%Y or %d/%m/%Y" in refusal(path)


def test_a_clock_that_is_behind_the_data_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,time\n" + "".join(f"{n % 60},{n % 17},2199-01-05\n" for n in range(200)))
    assert "the clock of this machine says 20" in refusal(path)
    path.write_text("user,item,time\n" + "".join(f"{n % 60},{n % 17},{'2199-01-05' if n % 3 else '2024-01-05'}\n" for n in range(200)))
    assert any("66 % of the rows lie ahead of this machine's clock" in doubt.what for doubt in load(path).doubts)
