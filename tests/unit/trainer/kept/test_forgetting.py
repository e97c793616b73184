from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from contract.formats.keys import Id
from trainer.kept.entries import PARTIAL, EntryWriter
from trainer.kept.forgetting import forget, names_in


def kept(root: Path, part: str, users: Sequence[Id], *told: str) -> Path:
    writer = EntryWriter(root / "source" / part)
    writer.add(pl.DataFrame({"user": users}))
    writer.keep({"told": told})
    return writer.folder


@pytest.mark.parametrize(
    ("users", "told", "named"),
    [
        ([7, 8], (), True),
        (["7", "8"], (), True),
        (["7.0"], (), True),
        ([77, 8], ("ids such as 17 and 7.5x",), True),
        ([77, 8], ("ids such as 77",), False),
        (["u7"], (), False),
    ],
)
def test_a_part_that_names_the_user_goes(tmp_path: Path, users: list[Id], told: tuple[str, ...], named: bool) -> None:
    folder = kept(tmp_path, "one", users, *told)
    kept(tmp_path, "other", [1])
    assert forget(tmp_path, 7) == int(named)
    assert folder.exists() is not named
    assert (tmp_path / "source" / "other").exists()


def test_what_can_not_be_read_goes_and_what_was_cut_short(tmp_path: Path) -> None:
    (kept(tmp_path, "one", [1]) / "0.parquet").write_bytes(b"PAR1")
    (kept(tmp_path, "two", [1]) / "entry.json").write_text("{")
    (tmp_path / "source" / f"three.1a{PARTIAL}").mkdir()
    assert forget(tmp_path, 7) == 3
    assert [*(tmp_path / "source").iterdir()] == []


def test_nothing_kept_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget(tmp_path / "none", 7) == 0


def test_a_user_is_a_word_of_its_own() -> None:
    assert names_in(["as 'ana'"], ["ana"])
    assert names_in(["x"], ["y", "x"])
    assert not names_in(["banana"], ["ana"])
