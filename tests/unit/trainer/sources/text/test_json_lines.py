"""JSON lines: plain and packed; a line that is no object is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.reading import dropped, read, refusal, rows
from trainer.rows.row_filter import MISSING
from trainer.sources.text import files as text_files
from trainer.sources.text.json_lines import KEY_TWICE, NO_ID, NO_OBJECT, NO_TEXT
from trainer.sources.values.convert import NO_NUMBER


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def review(user: object, item: object, **more: object) -> str:
    return json.dumps(
        {"rating": 4.5, "title": "x", "images": [{"a": 1}], "asin": item, "user_id": user, "timestamp": 1577934245678, **more}
    )


def test_amazon_s_reviews(jsonl: Path) -> None:
    jsonl.write_text(review("AE1", "B00É") + "\n" + review("AE2", "0123", rating=1) + "\n")
    assert rows(jsonl) == [("AE1", "B00É", 4.5, 1577934245), ("AE2", "0123", 1.0, 1577934245)]
    packed = jsonl.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(jsonl.read_bytes()))
    assert rows(packed) == rows(jsonl)


def test_integers_stay_integers(jsonl: Path) -> None:
    jsonl.write_text("".join(review(n, str(n)) + "\n" for n in range(1, 5)))
    assert rows(jsonl)[0] == (1, 1, 4.5, 1577934245)


def test_dates_as_texts(jsonl: Path) -> None:
    jsonl.write_text(review(1, 2, timestamp="2020-01-02T03:04:05Z") + "\n")
    assert rows(jsonl) == [(1, 2, 4.5, 1577934245)]


@pytest.mark.parametrize("chunk", [1 << 20, 100])
def test_broken_lines_are_named(jsonl: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "CHUNK_BYTES", chunk)
    good = [review(n, n) for n in range(1, 100)]
    wrong = {4: "nonsense", 7: '{"user_id": 1', 9: "[1, 2]", 12: review([1], 2), 14: review(1.5, 2), 20: review(1, 2, rating="many")}
    text = [wrong.get(line, value) for line, value in enumerate(good, 1)]
    text[29] = review(None, 3)
    jsonl.write_text("\n".join(text) + "\n\n")
    found, problems = read(jsonl, max_broken_rows=0.1)
    assert len(found) == 92
    assert {reason: [one.line for one in examples] for reason, examples in problems.examples.items()} == {
        NO_OBJECT: [4, 7, 9],
        NO_ID: [12, 14],
        NO_NUMBER: [20],
        MISSING: [30],
    }
    assert "6 of 99 rows are broken" in refusal(jsonl)


def test_files_that_are_no_json_lines(jsonl: Path) -> None:
    jsonl.write_text('[{"user": 1, "item": 2}]')
    assert "a JSON array; write one object a line" in refusal(jsonl)
    jsonl.write_text("[{'user': 1, 'item': 2}]")
    assert "a list of Python literals" in refusal(jsonl)
    jsonl.write_text('{"user": 1, "item": 2},\n{"user": 1, "item": 3},\n')
    assert "leave the commas out" in refusal(jsonl)
    jsonl.write_text('{\n  "user": 1,\n  "item": 2\n}\n')
    assert "JSON objects over several lines" in refusal(jsonl)
    jsonl.write_text('{"user": {"0": 1, "1": 2}, "item": {"0": 7, "1": 8}}\n')
    assert "one JSON object with a value for each column" in refusal(jsonl)
    jsonl.write_text("user,item\n1,2\n")
    assert "no JSON object on any line" in refusal(jsonl)
    jsonl.write_text('{"a": 1}\n')
    assert "it has 'a'" in refusal(jsonl)


def test_a_large_integer_is_an_id_as_it_stands(jsonl: Path) -> None:
    jsonl.write_text(review(2**63, 1) + "\n")
    assert rows(jsonl)[0][0] == str(2**63)
    assert dropped(jsonl) == {}


ODD = {
    '{"user_id": 1, "asin": 2, "rating": 3, "user_id": 9}': KEY_TWICE,
    '{"user_id": 1, "asin": 2, "rating": 3, "user_id": 1}': (1, 2, 3.0),
    '{"user_id": 1, "asin": 2, "rating": 3, "rating": 5}': KEY_TWICE,
    '{"user_id": 1, "asin": 2, "rating": 3, "more": {"rating": 5, "asin": 7}}': (1, 2, 3.0),
    '{"user_id": 1, "more": {"asin": 7, "rating": 1}, "asin": 2, "rating": 3}': (1, 2, 3.0),
    '{"user_id": 1, "asin": 2, "rating": "3"}': (1, 2, 3.0),
    '{"user_id": 1, "asin": 2, "rating": true}': NO_NUMBER,
    '{"user_id": 1, "asin": 2.0, "rating": 3}': (1, 2.0, 3.0),
    '{"user_id": [1], "asin": 2, "rating": 3}': NO_ID,
    '{"user_id": {"a": 1}, "asin": 2, "rating": 3}': NO_ID,
    '{"user_id": true, "asin": 2, "rating": 3}': NO_ID,
    '{"user_id": "", "asin": 2, "rating": 3}': MISSING,
    '{"asin": 2, "rating": 3}': MISSING,
    '{"user_id": -0, "asin": 2, "rating": 3}': (0, 2, 3.0),
    r'{"user_id": "\ud83d", "asin": 2, "rating": 3}': NO_TEXT,
    r'{"user_id": "\udc00\ud83d", "asin": 2, "rating": 3}': NO_TEXT,
    r'{"user_id": "\ud83d\ude00", "asin": 2, "rating": 3}': ("\U0001f600", 2, 3.0),
    r'{"user_id": "a\"b", "asin": 2, "rating": 3}': ('a"b', 2, 3.0),
    '{"user_id": 1, "asin": 2, "rating": 3e0}': (1, 2, 3.0),
}


@pytest.mark.parametrize("broken", [True, False], ids=["beside a broken line", "alone"])
@pytest.mark.parametrize("line", ODD)
def test_a_line_is_read_alike_whatever_stands_beside_it(jsonl: Path, line: str, broken: bool) -> None:
    """polars reads a chunk at once if it reads it as Python does; a broken line has all of it read by Python."""
    expected, good = ODD[line], '{"user_id": 5, "asin": 6, "rating": 1}'
    jsonl.write_text("\n".join([good, line, *["nonsense"] * broken, *[good] * 3]) + "\n")
    found, problems = read(jsonl, max_broken_rows=1)
    assert [tuple(map(str, row)) for row in found] == [
        tuple(map(str, row)) for row in [(5, 6, 1.0), *([expected] if isinstance(expected, tuple) else []), *[(5, 6, 1.0)] * 3]
    ]
    assert dict(problems.dropped) == ({expected: 1} if isinstance(expected, str) else {}) | ({NO_OBJECT: 1} if broken else {})


def test_accents_far_down_in_a_file_that_begins_in_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "HEAD_BYTES", 100)
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 100)
    path = tmp_path / "late.jsonl"
    path.write_bytes(b'{"user": "a", "item": "b"}\n' * 50 + '{"user": "é", "item": "b"}\n'.encode("cp1252"))
    found, problems = read(path)
    assert found[-1] == ("é", "b", 1.0)
    assert problems.notes[-1] == f"{path} is not UTF-8; read as cp1252. --encoding names another"
