"""Files and folders that may not be read: one sentence, whoever asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import DataError
from tests.support.reading import HEADER, settings
from trainer.sources import load as sources

NOBODY = 65534


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file that can be listed, and another that can't be entered, as seen by a user who is not root."""
    (tmp_path / "in").mkdir()
    for folder in (tmp_path, tmp_path / "in"):
        (folder / "events.csv").write_text(HEADER + "1,2,3,4\n")
    for parent in [tmp_path, *tmp_path.parents[:3]]:  # pytest makes them for one user alone
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    (tmp_path / "in").chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield tmp_path
    if root:
        os.seteuid(0)
    (tmp_path / "in").chmod(0o755)


@pytest.mark.parametrize("name", ["in", "in/events.csv", "."])
def test_what_may_not_be_read_is_said(locked: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"/in(/events.csv)? can't be read: Permission denied"):
        sources.read(settings(locked / name), Path("no cache"))
