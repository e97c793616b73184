"""What a killed process has left is removed by the next one; what is somebody else's stays."""

from __future__ import annotations

import fcntl
import stat
from pathlib import Path

import pytest

from contract.own_folder import OwnFolder


def test_folders_of_others_stay_though_they_hold_a_lock(tmp_path: Path) -> None:
    other = tmp_path / "mail"
    other.mkdir()
    (other / "lock").touch()
    (other / "letters").write_text("dear")
    OwnFolder(tmp_path, shared=True).remove()
    assert (other / "letters").read_text() == "dear"


def test_what_is_left_of_a_dead_process_goes_and_what_lives_stays(tmp_path: Path) -> None:
    left, living = OwnFolder(tmp_path, shared=False), OwnFolder(tmp_path, shared=False)
    (left.path / "rows-0-indices.npy").touch()
    fcntl.flock(left._lock, fcntl.LOCK_UN)  # as the end of its process does
    fresh = OwnFolder(tmp_path, shared=False)
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {living.path, fresh.path}
    for folder in (living, fresh, left):
        folder.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o700), (True, 0o770)])
def test_nobody_else_reads_rows_of_users(tmp_path: Path, shared: bool, mode: int) -> None:
    folder = OwnFolder(tmp_path, shared=shared)
    assert stat.S_IMODE(folder.path.stat().st_mode) == mode
    folder.remove()


def test_what_a_task_writes_while_the_folder_goes_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = OwnFolder(tmp_path, shared=False)

    def removed_but_for_a_late_file(path: Path, **_: object) -> None:
        for file in path.iterdir():
            file.unlink()
        (path / "part-0-late.npy").touch()

    with monkeypatch.context() as late:
        late.setattr("contract.own_folder.shutil.rmtree", removed_but_for_a_late_file)
        folder.remove()
    assert (folder.path / "part-0-late.npy").exists()
    OwnFolder(tmp_path, shared=False).remove()
    assert list(tmp_path.iterdir()) == []
