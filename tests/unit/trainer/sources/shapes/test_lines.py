"""Blocks of a movie, as the Netflix Prize has them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.support.reading import dropped, read, refusal, rows
from trainer.sources.shapes.lines import NOT_ITS_FIELDS
from trainer.sources.text import files

TEXT = "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n1488844,4,2005-09-07\n"
FOUND = [(1488844, 1, 3.0, 1_125_964_800), (822109, 1, 5.0, 1_115_942_400), (1488844, 2, 4.0, 1_126_051_200)]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_of_blocks(tmp_path: Path, ends: str, packed: bool) -> None:
    path = tmp_path / "combined_data_1.txt"
    data = TEXT.replace("\n", ends).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    found, problems = read(path)
    assert (found, problems.n_rows) == (FOUND, 3)
    assert any("blocks of movies" in note for note in problems.notes)


def test_a_block_that_goes_on_in_the_next_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 30)
    (tmp_path / "m.txt").write_text(TEXT)
    assert rows(tmp_path / "m.txt") == FOUND


def test_a_file_for_each_movie(tmp_path: Path) -> None:
    for movie in (1, 2):
        (tmp_path / f"mv_{movie:07}.txt").write_text(f"{movie}:\n7,3,2005-09-06\n")
    assert [item for _, item, *_ in rows(tmp_path)] == [1, 2]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    path.write_text(TEXT + "9,4,2005-01-01\n" * 60 + "9,4\n")
    assert dropped(path) == {NOT_ITS_FIELDS: ["line 66: '9,4'"]}
    path.write_text(TEXT + "9,4\n")
    assert NOT_ITS_FIELDS in refusal(path)


def test_a_time_of_day_is_no_block(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item\n12:,1\n13:,2\n")
    assert len(rows(tmp_path / "a.csv")) == 2
