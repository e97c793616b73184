"""The trainer's command line: exit codes, and one line in place of a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.__main__ import cli, main

NO_REDIS = "redis://:hunter2@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in list(os.environ):
        if variable.startswith("LARDER_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("LARDER_REDIS_URL", NO_REDIS)
    monkeypatch.setenv("LARDER_ARTIFACTS", tmp_path.as_uri())


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["trainer", *arguments])
    return main()


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    line = capsys.readouterr().err
    assert line.startswith("larder: ")
    assert line.count("\n") == 1
    assert "hunter2" not in line
    return line


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_has_help(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, command, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: larder {command} ")
    assert " ".join(str(cli.commands[command].help).split())[:30] in " ".join(text.split())


def test_the_commands_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "-h") == 0
    text = capsys.readouterr().out
    assert all(f"  {command} " in text for command in ("run", "plan", "serve", "health", "status"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--colour", "red"),
        ("bake",),
        ("plan", "--users", "10"),
        ("plan", "--users", "10", "--items", "items.csv", "--interactions", "100"),
        ("plan", "--workers", "two"),
        ("run", "--k"),
    ],
)
def test_a_usage_error_exits_with_2(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 2
    text = capsys.readouterr().err
    assert "Error: " in text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_bad_option_is_named(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, command, "--time-decay-days", "soon") == 2
    assert one_line(capsys).startswith("larder: --time-decay-days='soon': ")


ARGUMENTS = {
    "experiment": ["stop"],
    "backup": ["file"],
    "restore": ["file"],
    "promote": ["g1"],
    "erase": ["54"],
    "export": ["--to", "lists.csv"],
}


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_an_unknown_setting_stops_every_command(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LARDER_NEIGHBOURS", "5")
    assert call(monkeypatch, command, *ARGUMENTS.get(command, [])) == 2
    assert one_line(capsys) == "larder: LARDER_NEIGHBOURS is not a setting; the nearest is LARDER_NEIGHBORS\n"


@pytest.mark.parametrize("arguments", [("run",), ("run", "--here"), ("run", "--wait"), ("status",), ("health",)])
def test_without_redis_the_exit_is_6_and_the_address_is_shown(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 6
    assert "Redis at redis://:***@127.0.0.1:1/0 does not answer" in one_line(capsys)


def test_a_plan_needs_no_redis(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "plan", "--users", "50", "--items", "60", "--interactions", "700", "--workers", "2") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "50 users, 57 items, 700 interactions" in text  # three of the 60 interest nobody
    assert "2 worker(s)" in text


def test_a_data_error_exits_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.csv"
    path.write_text("userID,itemID,stars,timestamp\n1,2,3,4\n")
    assert call(monkeypatch, "plan", "--interactions", str(path), "--weight-column", "rating") == 3
    assert "no column 'rating'" in one_line(capsys)


def test_a_crash_is_no_loss_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def crash(*_: object) -> None:
        raise NotImplementedError("Series of type Null")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("trainer.check.check.check", crash)
    assert call(monkeypatch, "check", "events.csv") == 70
    assert one_line(capsys).startswith("larder: an error that Larder does not expect, NotImplementedError: Series of type Null. The trace")


@pytest.mark.parametrize("file", ["/nowhere/x.html", "/proc/none/x.html"])
def test_a_page_that_can_not_be_written_is_refused_before_anything_is_read(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trainer.check.check.check", lambda *_: pytest.fail("it was read"))
    assert call(monkeypatch, "check", "events.csv", "--html", file) == 9
    assert f"{file}: there is no folder" in one_line(capsys)


def test_an_artifact_address_of_another_kind_exits_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LARDER_ARTIFACTS", "ftp://bucket")
    assert call(monkeypatch, "plan") == 2
    assert "LARDER_ARTIFACTS='ftp://bucket'" in one_line(capsys)


def test_as_a_process_there_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-m", "trainer", "status"], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 6
    assert done.stderr.startswith("larder: Redis at redis://:***@127.0.0.1:1/0 does not answer")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
