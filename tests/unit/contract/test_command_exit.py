"""The door of the command lines: a sentence and an exit code of its own, whatever goes wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.command_exit import UNEXPECTED, guarded
from contract.errors import DataError
from tests.support.paths import ROOT


class Panic(BaseException):
    """As those of Rust code: no Exception."""


@pytest.fixture(autouse=True)
def traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def fails(error: BaseException) -> int:
    def command() -> int:
        raise error

    return guarded("trainer", command)


def test_what_a_command_returns_is_returned() -> None:
    assert guarded("trainer", lambda: 1) == 1


def test_an_error_of_ours_is_its_sentence_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(DataError("a.csv is empty")) == 3
    assert capsys.readouterr().err == "trainer: a.csv is empty\n"


@pytest.mark.parametrize("error", [NotImplementedError("Series of type Null"), Panic("Series of type Null\nand a stack")])
def test_an_unexpected_error_is_70_and_its_trace_is_kept(error: BaseException, traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(error) == UNEXPECTED == 70
    (file,) = traces.glob("larder-trainer-*.trace")
    said = f"trainer: an error that Larder does not expect, {type(error).__name__}: Series of type Null. The trace is in {file}\n"
    assert capsys.readouterr().err == said
    assert file.read_text().startswith("Traceback")
    assert file.stat().st_mode & 0o077 == 0


def test_a_foreign_message_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    fails(ValueError("x" * 100_000))
    assert len(capsys.readouterr().err) < 500


def test_what_the_system_refuses_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(PermissionError(13, "Permission denied", "/data/x.csv")) == UNEXPECTED
    assert "the system refused: /data/x.csv: Permission denied. The trace" in capsys.readouterr().err


def test_where_no_file_can_be_written_the_trace_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/none")
    assert fails(ValueError("odd")) == UNEXPECTED
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("ValueError: odd. The trace stands above\n")


def test_a_reader_that_has_gone_is_no_crash() -> None:
    program = (
        "import sys; from contract.command_exit import guarded as g; exit(g('x', lambda: print('a' * 10**6) or sys.stdout.flush() or 0))"
    )
    one = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert one.stdout is not None
    assert one.stderr is not None
    one.stdout.close()
    assert one.wait(timeout=60) == 141
    assert one.stderr.read() == b""
    one.stderr.close()
