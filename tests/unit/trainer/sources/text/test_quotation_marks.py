"""Quotation marks: where they hold a text together, where they are letters, and where nobody can tell, which is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reading import read, rows
from trainer.sources.text import files as text_files
from trainer.sources.text import record_kernels
from trainer.sources.text.broken_csv import HELD, NEVER_CLOSED, STRAY, TOO_MANY

TITLED = "user_id,title,item_id,rating\n"
TABS = "user_id\titem_id\trating\ttitle\n"
GOOD = "".join(f"{n}\t7\t1\tt\n" for n in range(100, 200))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


@pytest.mark.parametrize("chunk", [100, 1000, 1 << 20])
@pytest.mark.parametrize("inside", ["good, very good, 5", "good, very good, 5, x", "a", "", 'a ""b"", c'])
def test_a_long_text_in_quotation_marks_is_one_row(csv: Path, inside: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "CHUNK_BYTES", chunk)
    long = '1,10,3,"' + f"{inside}\n" * 150 + '"\n'
    csv.write_text("userID,itemID,rating,comment\n" + "3,12,1,x\n" * 20 + long + "2,11,4,x\n" * 20)
    found, problems = read(csv)
    assert found == [(3, 12, 1.0)] * 20 + [(1, 10, 3.0)] + [(2, 11, 4.0)] * 20
    assert not problems.dropped


def test_a_text_whose_mark_is_never_closed_becomes_no_rows(csv: Path) -> None:
    csv.write_text("userID,itemID,rating,comment\n2,11,4,x\n" + '1,10,3,"' + "good, very good, 5\n" * 150)
    found, problems = read(csv, max_broken_rows=1)
    assert found == [(2, 11, 4.0)]
    assert dict(problems.dropped) == {STRAY: 150}


def test_rows_after_a_mark_that_is_never_closed_are_rows(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv.write_text(TABS + GOOD + '1\t10\t5\t"Weird\n' + GOOD * 3)
    for longest in (1 << 20, 500):
        monkeypatch.setattr(record_kernels, "RECORD_BYTES", longest)
        found, problems = read(csv)
        assert len(found) == 400
        assert [str(one) for one in problems.examples[NEVER_CLOSED]] == ["line 102: '1\\t10\\t5\\t\"Weird'"]


def test_marks_that_are_letters_swallow_no_line(csv: Path) -> None:
    csv.write_text(TABS + '1\t10\t5\t"Weird\n2\t10\t4\tx"y\n3\t11\t5\t"Al" Y\n' + GOOD)
    found, problems = read(csv)
    assert found[:2] == [(2, 10, 4.0), (3, 11, 5.0)]
    assert (len(found), problems.n_rows, dict(problems.dropped)) == (102, 103, {NEVER_CLOSED: 1})


def test_lines_that_may_be_rows_or_a_text_are_neither_and_all_named(csv: Path) -> None:
    csv.write_text(TABS + '1\t10\t5\t"Weird\n2\t10\t4\tx"\n3\t11\t5\t"Al" Y\n' + GOOD)
    found, problems = read(csv)
    assert found[0] == (3, 11, 5.0)
    assert (len(found), problems.n_rows, dict(problems.dropped)) == (101, 103, {HELD: 2})


def test_names_keep_their_marks(csv: Path) -> None:
    names = ['"Weird Al" Yankovic', 'The "5" Royales', 'Guns N" Roses', '""', '"a"b"', 'x ""', "plain"]
    csv.write_text("".join(f'u{n}\tm\t{name}\t12" mix\n' for n, name in enumerate(names)))
    found = rows(csv, header=False, user_column="1", item_column="3", weight_column="", time_column="", max_broken_rows=1)
    assert [item for _, item, _ in found] == [name for name in names if name != '""']


def test_backslashes_before_marks(csv: Path) -> None:
    lines = ['1,"6\\" pipe, steel",10,5', '2,"plain",10,4', '3,"end\\\\",11,3', '4,"a,b",11,2', '5,"6\\", red",10,5', '6,"\\"all\\"",11,1']
    csv.write_text(TITLED + "\n".join(lines) + "\n")
    assert rows(csv) == [(1, 10, 5.0), (2, 10, 4.0), (3, 11, 3.0), (4, 11, 2.0), (5, 10, 5.0), (6, 11, 1.0)]
    assert rows(csv, item_column="title")[0][1] == '6" pipe, steel'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('1,"6" pipe, steel",10,5', STRAY),
        ('1,a "b, c",10,5,6', STRAY),
        ("1,big, red,10,5", TOO_MANY),
        ('1,"6\\" pipe, "x, steel",10,5', STRAY),
    ],
)
def test_a_shifted_row_is_named_and_no_title_becomes_an_item(csv: Path, line: str, reason: str) -> None:
    csv.write_text(TITLED + line + "\n" + '2,"plain",10,4\n' * 50)
    found, problems = read(csv)
    assert {item for _, item, _ in found} == {10}
    assert {name: [str(one) for one in examples] for name, examples in problems.examples.items()} == {reason: [f"line 2: {line!r}"]}
