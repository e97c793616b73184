"""A run and `check` read what Python's csv module reads, row by row, wherever in a file the one line stands that is out of order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.errors import DataError
from tests.support.depth import FULL, deeper
from tests.support.reading import HEADER, read, settings
from tests.unit.trainer.sources.text.csv_oracle import TRIGGERS, Row, patched
from trainer.check import check
from trainer.rows.batches import Batch
from trainer.rows.ledger import Ledger, RowsLostError
from trainer.rows.problems import Problems
from trainer.sources.tables.locations import Location
from trainer.sources.text import files as text_files

AS_IT_STANDS: dict[str, Any] = {"encoding": "utf-8", "user_id_type": "text", "item_id_type": "text", "negative": "drop"}
LARGE_ROWS = 1_500_000 if FULL else 800_000  # 36 MiB, or two chunks


def agree(path: Path, text: str, expected: list[Row]) -> None:
    path.write_bytes((HEADER + text).encode("utf-8", "surrogateescape"))
    found, problems = read(path, **AS_IT_STANDS)
    assert [(str(user), str(item), weight, time) for user, item, weight, time in found] == expected
    assert problems.n_rows == len(found) + problems.dropped.total()
    report = check.check(settings(path, **AS_IT_STANDS), path.parent)
    facts = dict(report.facts)
    assert (facts["rows"], facts["interactions"]) == (f"{problems.n_rows:,}", f"{len(expected):,}")


@pytest.mark.parametrize("line", TRIGGERS.values(), ids=TRIGGERS)
@pytest.mark.parametrize(
    "at", [pytest.param(0, marks=pytest.mark.long), 1000, pytest.param(1999, marks=pytest.mark.long)], ids=["first", "middle", "last"]
)
def test_one_line_out_of_order(tmp_path: Path, at: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 10_000)
    agree(tmp_path / "events.csv", *patched(2000, at, line))


@pytest.mark.long
@deeper
@pytest.mark.parametrize("trigger", TRIGGERS if FULL else ["NA as weight", "a line end in quotation marks"])
def test_one_line_out_of_order_in_a_large_file(tmp_path: Path, trigger: str) -> None:
    agree(tmp_path / "events.csv", *patched(LARGE_ROWS, LARGE_ROWS // 2, TRIGGERS[trigger]))


def test_many_lines_out_of_order_in_small_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, texts = [], []
    for at, line in enumerate(TRIGGERS.values()):
        text, expected = patched(120, 10 + at * 2, line)
        texts.append(text)
        wanted += expected
    for size in (700, 5_000, 1 << 20):
        monkeypatch.setattr(text_files, "CHUNK_BYTES", size)
        agree(tmp_path / "events.csv", "".join(texts), wanted)


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.csv"
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 10_000)
    path.write_text(HEADER + patched(5000, 0, "1,1,1,1")[0])
    whole = path.stat().st_size
    chunks = text_files.TextFile(Location(str(path), "csv")).chunks()
    next(chunks)
    os.truncate(path, 20_000)
    with pytest.raises(DataError, match=f"became shorter while it was read: .* of {whole:,} bytes"):
        list(chunks)


def test_rows_that_are_not_all_accounted_for_are_an_error() -> None:
    problems = Problems(n_rows=5)
    problems.add("reason", 1, "x.csv", "", [])
    frame = pl.DataFrame({"user": [1, 2, 3, 4]})
    Ledger("x.csv", problems).enter(Batch(frame, 1, 5), 4)
    for n_records, n_kept, n_rows in ((6, 4, 5), (5, 3, 5), (5, 5, 5), (5, 4, 6)):
        problems.n_rows = n_rows
        with pytest.raises(RowsLostError, match=r"x\.csv: it has .* rows up to here, but .* nothing of it is used"):
            Ledger("x.csv", problems).enter(Batch(frame, 1, n_records), n_kept)
