"""Plain numbers parsed in one pass: each has the value that Python and polars give it, and whatever else there is is left to polars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.depth import deeper, examples
from tests.support.reading import HEADER, rows
from trainer.interactions.external_ids import infer_id_type
from trainer.sources.text.broken_csv import Layout
from trainer.sources.text.plain_numbers import n_newlines, parse

NUMERALS = st.from_regex(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,5})?", fullmatch=True)
INTEGERS = st.from_regex(r"-?[1-9][0-9]{0,17}|0", fullmatch=True)
ODD = st.text('0123456789.-+ eE,"\rx', max_size=22)
ROLES = {"user": 0, "item": 1, "weight": 2, "time": 4}


def layout(separator: str = ",") -> Layout:
    return Layout(separator, True, 5, 0, np.zeros(5, np.bool_), ROLES, "a file", frozenset({2, 4}), frozenset({0, 1}))


def by_polars(data: bytes) -> pl.DataFrame:
    """Ids that polars left as texts, since another field of the chunk is odd, are the integers that they become later."""
    frame = layout().typed(data, None)
    return frame.with_columns(map(infer_id_type, frame["user", "item"]))


def taken(*lines: str, n_rows: int = 0, end: str = "\n") -> dict[int, list[float]] | None:
    data = "\n".join(lines) + end
    found = parse(data.encode(), n_rows or len(lines), ",", 3, {0, 1}, {2})
    return None if found is None else {place: column.tolist() for place, column in found.items()}


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_rows_of_plain_numbers(end: str) -> None:
    assert taken("1,-20,0.5", "0,999999999999999999,-3", end=end) == {0: [1, 0], 1: [-20, 999_999_999_999_999_999], 2: [0.5, -3.0]}


@pytest.mark.parametrize(
    "line",
    [
        *("", "1", "1,2", "1,2,3,4", "1,2,3,", "1,,3", "1,2,", ",2,3", "1,2,3\r4", "1,2,3\r\r", " 1,2,3", "1 ,2,3", "1,2,3 ", "1;2;3"),
        *("01,2,3", "-0,2,3", "+1,2,3", "1.0,2,3", "1,2x,3", "1,-,3", "1234567890123456789,2,3", "99999999999999999999999,2,3"),
        *("1,2,1e3", "1,2,.5", "1,2,5.", "1,2,nan", "1,2,1.2.3", "1,2,1234567890123456", "1,2,0.1234567890123456", "1,2,007", "1,2,-"),
    ],
)
def test_every_other_line_is_for_polars(line: str) -> None:
    assert taken("1,2,3", line, "1,2,3") is None
    assert taken("1,2,3", line, end="") is None or not line  # nothing behind the last newline is no line


@pytest.mark.parametrize("n_rows", [1, 3])
def test_another_number_of_lines_is_for_polars(n_rows: int) -> None:
    assert taken("1,2,3", "1,2,3", n_rows=n_rows) is None


@pytest.mark.parametrize("separator", [*"0.-\n", "é"])
def test_a_separator_that_may_stand_in_a_number_is_for_polars(separator: str) -> None:
    assert parse(b"1\n", 1, separator, 1, {0}, set()) is None


@given(st.lists(NUMERALS, min_size=1, max_size=30))
def test_a_number_is_the_float_that_python_reads(numerals: list[str]) -> None:
    found = parse("\n".join(numerals).encode(), len(numerals), ",", 1, set(), {0})
    assert found is not None
    assert found[0].tobytes() == np.array([float(one) for one in numerals]).tobytes()


@given(st.lists(st.tuples(INTEGERS, INTEGERS, NUMERALS, st.text("ab é.", max_size=3), NUMERALS), min_size=1, max_size=20), st.booleans())
@settings(max_examples=examples(25, 1000))
@deeper
def test_a_chunk_is_what_polars_makes_of_it(lines: list[tuple[str, ...]], windows: bool) -> None:
    data = "".join(",".join(line) + ("\r\n" if windows else "\n") for line in lines).encode()
    plain = layout().plain(data, len(lines))
    assert plain is not None
    assert plain.equals(by_polars(data))


@given(st.tuples(INTEGERS | ODD, INTEGERS | ODD, NUMERALS | ODD, ODD, NUMERALS | ODD))
def test_a_line_with_something_odd_is_what_polars_makes_of_it_or_is_left_to_it(line: tuple[str, ...]) -> None:
    data = f"{','.join(line)}\n".encode()
    plain = layout().plain(data, 1)
    if plain is not None and b'"' not in data:
        assert plain.equals(by_polars(data))


def test_a_file_of_plain_numbers_is_read_without_polars_and_any_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv = tmp_path / "events.csv"
    csv.write_text(HEADER + "1,2,3,4\n")
    odd = tmp_path / "odd.csv"
    odd.write_text(HEADER + "1,2,3,4\n5,6,+7,8\n")
    asked, read = [], pl.read_csv

    def counted(*given: Any, **named: Any) -> pl.DataFrame:
        asked.append(1)
        return read(*given, **named)

    monkeypatch.setattr(pl, "read_csv", counted)
    assert (rows(csv), asked) == ([(1, 2, 3.0, 4)], [])
    assert (rows(odd), asked) == ([(1, 2, 3.0, 4), (5, 6, 7.0, 8)], [1])


@pytest.mark.parametrize(("text", "n"), [(b"", 0), (b"\n", 1), (b"a\n\nb", 2), (b"1\n" * 1000, 1000)])
def test_newlines_are_counted(text: bytes, n: int) -> None:
    assert n_newlines(np.frombuffer(text, np.uint8)) == n
