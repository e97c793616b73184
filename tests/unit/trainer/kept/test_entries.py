from __future__ import annotations

import os
import stat
from pathlib import Path

import polars as pl
import pytest

from trainer.kept import entries
from trainer.kept.entries import PARTIAL, DamagedError, EntryWriter, read_entry, tidy
from trainer.kept.packed import Packed

FRAME = pl.DataFrame({"user": [1, 2], "item": ["a", "b"]})


def written(folder: Path, *batches: pl.DataFrame) -> Path:
    writer = EntryWriter(folder)
    for batch in batches:
        writer.add(batch)
    writer.keep({"told": []})
    return folder


def test_batches_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "FILE_ROWS", 4)
    texts = FRAME.with_columns(pl.col("user").cast(pl.String))
    batches = [FRAME, FRAME.head(0), FRAME.head(1), texts, FRAME, FRAME, FRAME]
    entry = read_entry(written(tmp_path / "s" / "p", *batches))
    assert entry is not None
    entry.check()
    frames = [one.frame() if isinstance(one, Packed) else one for one in entry.frames()]
    assert [(frame.schema, frame.rows()) for frame in frames] == [(frame.schema, frame.rows()) for frame in batches]
    assert {user for users in entry.users() for user in users} == {"1", "2"}


def test_an_entry_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "s" / "p"
    written(folder, FRAME)
    entry = read_entry(written(folder, FRAME.head(1)))
    assert entry is not None
    assert [frame.height for frame in entry.frames()] == [1]
    assert [path.name for path in folder.parent.iterdir()] == ["p"]


def test_others_may_not_look_at_it(tmp_path: Path) -> None:
    assert stat.S_IMODE(written(tmp_path / "p", FRAME).stat().st_mode) == 0o700


def test_a_file_without_rows_is_kept_too(tmp_path: Path) -> None:
    entry = read_entry(written(tmp_path / "p"))
    assert entry is not None
    assert [*entry.frames()] == []


def test_nothing_kept_is_no_damage(tmp_path: Path) -> None:
    assert read_entry(tmp_path / "p") is None


def test_what_was_given_up_leaves_nothing(tmp_path: Path) -> None:
    writer = EntryWriter(tmp_path / "p")
    writer.add(FRAME)
    writer.add(FRAME.with_columns(pl.lit(1)))
    assert [path.suffix for path in tmp_path.iterdir()] == [PARTIAL]
    writer.discard()
    assert [*tmp_path.iterdir()] == []


def test_a_changed_byte_is_damage(tmp_path: Path) -> None:
    folder = written(tmp_path / "p", FRAME)
    text = (folder / "entry.json").read_text()
    (folder / "entry.json").write_text(text.replace("0.parquet", "1.parquet"))
    with pytest.raises(DamagedError, match="checksum"):
        read_entry(folder)


def test_only_the_sources_that_were_read_last_are_kept(tmp_path: Path) -> None:
    for at in range(5):
        written(tmp_path / str(at) / "p", FRAME)
        os.utime(tmp_path / str(at), (at, at))
    written(tmp_path / "0" / "q", FRAME)
    tidy(tmp_path, tmp_path / "0", {"p"})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")) == ["0/p", "3/p", "4/p"]
    assert entries.size_of(tmp_path) > 0
    assert entries.size_of(tmp_path / "none") == 0
