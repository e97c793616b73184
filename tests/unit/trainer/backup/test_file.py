"""A backup is read back as it was written, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import DataError
from trainer.backup.file import BackupReader, BackupWriter, Header, Record

HEADER = Header(namespace="larder", generation="g1", made_at="2026-01-02T03:04:05Z", redis="8.0.0")
RECORDS = [Record(b":recs:g1:0", -1, bytes(range(256)) * 40), Record("käse".encode(), 5000, b""), Record(b":{ctl}:current", -1, b"x")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "backup"
    with BackupWriter(where, HEADER) as writer:
        for record in RECORDS:
            writer.add(record)
        assert writer.finish() == where.stat().st_size
    return where


def test_what_was_written_is_read(path: Path) -> None:
    with BackupReader(path) as reader:
        assert reader.header == HEADER
        assert list(reader.records()) == RECORDS


def test_only_its_owner_reads_a_backup(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0


def test_a_backup_that_was_cut_is_refused_wherever_the_cut_is(path: Path) -> None:
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"cut|unpacked|not a backup"), BackupReader(path) as reader:
            list(reader.records())


def test_another_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"user,item\n", b"\x28\xb5\x2f\xfd"):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(DataError):
            BackupReader(tmp_path / "other")
    with pytest.raises(DataError, match="No such file"):
        BackupReader(tmp_path / "none")


def test_a_backup_that_is_not_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    with BackupWriter(tmp_path / "backup", HEADER) as writer:
        writer.add(RECORDS[0])
    assert list(tmp_path.iterdir()) == []
