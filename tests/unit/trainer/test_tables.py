"""Files: read in batches, and what is wrong with one is said by file, column and row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError
from contract.settings import SourceSettings
from trainer import tables

HEADER = "userID,itemID,rating,timestamp\n"
WANTED = {"user": "userID", "item": "itemID", "weight": "rating", "time": "timestamp"}


def rows(path: Path, wanted: dict[str, str] = WANTED, **settings: Any) -> list[tuple[Any, ...]]:
    frames = list(tables.batches(path, SourceSettings(**settings), wanted))
    assert all(frame.columns == list(wanted) for frame in frames)
    return [row for frame in frames for row in frame.rows()]


def refusal(path: Path, wanted: dict[str, str] = WANTED, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        rows(path, wanted, **settings)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
def test_a_csv(csv: Path, mark: str, newline: str) -> None:
    csv.write_bytes((mark + HEADER + "054,7,1.5,10\n-1,x,2,11.5\n").replace("\n", newline).encode())
    assert rows(csv) == [("054", "7", 1.5, 10.0), ("-1", "x", 2.0, 11.5)]


def test_columns_are_found_by_name_in_any_order(csv: Path) -> None:
    csv.write_text("note,when,who,stars,what\nx,9,u,3,i\n")
    settings = {"user_column": "who", "item_column": "what", "weight_column": "stars", "time_column": "when"}
    assert rows(csv, {"user": "who", "item": "what", "weight": "stars", "time": "when"}, **settings) == [("u", "i", 3.0, 9.0)]


def test_quoted_values_and_names(csv: Path) -> None:
    csv.write_text('"user, the","itemID","rating"\n"a,b","say ""x""",3\n"two\nlines",é,4\n')
    found = rows(csv, {"user": "user, the", "item": "itemID", "weight": "rating"}, user_column="user, the")
    assert found == [("a,b", 'say "x"', 3.0), ("two\nlines", "é", 4.0)]


@pytest.mark.parametrize("separator", [";", "\t", "|", " "])
def test_separators(csv: Path, separator: str) -> None:
    csv.write_text((HEADER + "1,2,3,4\n").replace(",", separator))
    assert rows(csv, separator=separator) == [("1", "2", 3.0, 4.0)]


def test_without_a_header_columns_are_taken_by_position(csv: Path) -> None:
    csv.write_text("1,2,3,4,more\n5,6,7,8,more\n")
    assert rows(csv, header=False) == [("1", "2", 3.0, 4.0), ("5", "6", 7.0, 8.0)]
    assert rows(csv, {"user": "userID", "item": "itemID", "time": "timestamp"}, header=False) == [("1", "2", 3.0), ("5", "6", 7.0)]


def test_without_a_header_there_must_be_enough_columns(csv: Path) -> None:
    csv.write_text("1,2,3\n")
    assert "has 3 columns at separator ','; expected user, item, weight, time" in refusal(csv, header=False)


def test_empty_fields_are_missing_values(csv: Path) -> None:
    csv.write_text(HEADER + ",2,3,4\n1,,,\n1,2\n")
    assert rows(csv) == [(None, "2", 3.0, 4.0), ("1", None, None, None), ("1", "2", None, None)]


def test_batches_are_bounded_and_in_order(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", 100)
    csv.write_text(HEADER + "".join(f"{n},7,1,{n}\n" for n in range(250)))
    frames = list(tables.batches(csv, SourceSettings(), WANTED))
    assert len(frames) > 1
    assert max(frame.height for frame in frames) <= 100
    assert [value for frame in frames for value in frame["user"]] == [str(n) for n in range(250)]


def test_a_missing_file_is_named_with_what_may_be_given(csv: Path) -> None:
    assert "a built-in set such as movielens-small" in refusal(csv)
    csv.mkdir()
    assert "there is no file" in refusal(csv)


def test_an_empty_file(csv: Path) -> None:
    csv.touch()
    assert refusal(csv) == f"{csv} is empty"
    csv.write_text("\n\n")
    assert "can't be read" in refusal(csv)


def test_a_header_alone_is_a_table_without_rows(csv: Path) -> None:
    csv.write_text(HEADER)
    assert rows(csv) == []


@pytest.mark.parametrize(("wrong", "option"), [("userID", "user"), ("itemID", "item"), ("rating", "weight"), ("timestamp", "time")])
def test_a_missing_column_is_named_with_the_nearest_and_its_option(csv: Path, wrong: str, option: str) -> None:
    csv.write_text(HEADER.replace(wrong, wrong.lower() + "s") + "1,2,3,4\n")
    message = refusal(csv)
    assert f"no column {wrong!r}" in message
    assert f"Perhaps {wrong.lower() + 's'!r}? Name it with --{option}-column" in message


def test_a_wrong_separator_is_a_likely_reason_of_a_missing_column(csv: Path) -> None:
    csv.write_text(HEADER.replace(",", ";") + "1;2;3;4\n")
    assert "set --separator (now ',')" in refusal(csv)


def test_values_that_are_no_numbers_are_named_by_row(csv: Path) -> None:
    csv.write_text(HEADER + '1,2,3,4\n1,2,x,4\n1,2,,4\n1,2,"1,5",4\n1,2,n/a,4\n1,2,?,4\n')
    assert refusal(csv) == (
        f"{csv}: column 'rating' holds 4 values that are no numbers (row 3: 'x'; row 5: '1,5'; row 6: 'n/a'); correct or remove these rows"
    )


def test_without_a_header_the_first_row_is_row_1(csv: Path) -> None:
    csv.write_text("1,2,3,noon\n")
    assert "column 'timestamp' holds 1 values that are no numbers (row 1: 'noon')" in refusal(csv, header=False)


def test_a_bad_row_far_down_is_found_also_in_batches(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", 100)
    csv.write_text(HEADER + "1,2,3,4\n" * 2000 + "1,2,bad,4\n")
    assert "(row 2002: 'bad')" in refusal(csv)


@pytest.mark.parametrize(
    "data",
    [HEADER.encode() + "é,2,3,4\n".encode("latin-1"), b"\xff\xfe" + HEADER.encode("utf-16-le"), HEADER.encode() + b"1,2,3,4,5\n", b'"\n'],
    ids=["latin-1", "utf-16", "more fields than columns", "open quote"],
)
def test_bytes_that_are_no_csv_are_a_data_error(csv: Path, data: bytes) -> None:
    csv.write_bytes(data)
    refusal(csv)


def parquet(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "events.parquet"
    pl.DataFrame({"userID": [1, 2], "itemID": ["x", "y"], "rating": [1.5, 2.0], "timestamp": [3, 4], **columns}).write_parquet(path)
    return path


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    assert rows(parquet(tmp_path)) == [(1, "x", 1.5, 3), (2, "y", 2.0, 4)]


@pytest.mark.parametrize(
    ("column", "values", "needed"),
    [
        ("rating", ["1", "2"], "numbers"),
        ("rating", [True, False], "numbers"),
        ("timestamp", ["3", "4"], "numbers or dates"),
        ("userID", [1.0, 2.0], "integers or texts"),
        ("itemID", [[1], [2]], "integers or texts"),
        ("itemID", [b"\xff", b"x"], "integers or texts"),
        ("itemID", [True, False], "integers or texts"),
    ],
)
def test_a_parquet_column_of_another_type_is_named(tmp_path: Path, column: str, values: list[Any], needed: str) -> None:
    message = refusal(parquet(tmp_path, **{column: values}))
    assert f"column {column!r} holds " in message
    assert message.endswith(f" where {needed} are needed")


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Decimal(12, 0), pl.UInt64])
def test_parquet_types_that_hold_ids(tmp_path: Path, dtype: Any) -> None:
    ids = pl.Series(["7", "8"]).cast(dtype)
    assert [str(row[0]) for row in rows(parquet(tmp_path, userID=ids))] == ["7", "8"]


def test_a_broken_parquet_file(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    assert "can't be read" in refusal(path)
