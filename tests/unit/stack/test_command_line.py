from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from contract.errors import SettingsError, StoreError
from stack import command_line, compose, environment, lifecycle, status, trainer_commands
from stack.paths import StackPaths
from stack.supervision.supervisor_client import Process, Supervisor
from tests.support.paths import ROOT
from tests.unit.stack.conftest import FakeSupervisor

Script = Callable[[str, str], Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], places: StackPaths) -> Run:
    """`larder --var VAR ...`: exit code, output, errors."""
    monkeypatch.setattr(compose, "running_services", lambda _: [])

    def ran(*arguments: str) -> tuple[int, str, str]:
        try:
            code = command_line.main(["--var", str(places.var), *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return ran


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, prepared: StackPaths) -> list[list[str]]:
    """A local stack seems to run; the trainer's command lines that were called."""
    environment.save(environment.stack_environment({}, prepared), prepared)
    called: list[list[str]] = []
    monkeypatch.setattr(Supervisor, "runs", lambda _: True)
    monkeypatch.setattr(Supervisor, "processes", lambda _: [Process("api", "RUNNING", 7, 65)])

    def trainer(_: Mapping[str, str], arguments: list[str]) -> int:
        called.append(arguments)
        return 0

    monkeypatch.setattr(trainer_commands, "trainer", trainer)
    return called


@pytest.mark.parametrize("command", ["retrain", "generations", "status", "logs"])
def test_without_a_stack_there_is_one_line_and_no_success(run: Run, command: str) -> None:
    code, _, errors = run(command)
    assert code == StoreError.exit_code
    assert errors.splitlines() == [trainer_commands.NOT_RUNNING]


def test_down_without_a_stack_is_no_error(run: Run, places: StackPaths) -> None:
    assert run("down") == (0, "Larder does not run\n", "")
    assert not places.var.exists()


def test_clean_removes_what_is_ours_alone(run: Run, prepared: StackPaths) -> None:
    (prepared.var / "mine.txt").touch()
    code, output, _ = run("clean")
    assert code == 0
    assert "redis, artifacts, log, run, numba-cache" in output
    assert [path.name for path in prepared.var.iterdir()] == ["mine.txt"]


def test_a_bad_setting_ends_with_its_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_API_PROT", "5001")
    code, _, errors = run("up")
    assert (code, errors) == (SettingsError.exit_code, "LARDER_API_PROT is not a setting; the nearest is LARDER_API_PORT\n")


def test_retrain_says_which_stack_and_passes_arguments_on(run: Run, local: list[list[str]]) -> None:
    code, output, _ = run("retrain", "--k", "20")
    assert (code, output) == (0, "Retraining the stack of `make up`\n")
    assert local == [["run", "--wait", "--k", "20"]]


def test_retrain_does_not_ignore_a_variable(run: Run, local: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_K", "20")
    code, _, errors = run("retrain")
    assert code == SettingsError.exit_code
    assert "LARDER_K=10 (you gave 20): for one run say it as an option" in errors
    assert local == []


def test_retrain_prefers_the_local_stack_and_says_so(run: Run, local: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "running_services", lambda _: ["api", "trainer"])
    assert "that of Docker compose runs too, and is left alone" in run("retrain")[1]
    assert len(local) == 1


def test_retrain_of_the_compose_stack(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def in_trainer(_: Path, arguments: list[str]) -> int:
        called.append(arguments)
        return 3

    monkeypatch.setattr(compose, "running_services", lambda _: ["api", "trainer"])
    monkeypatch.setattr(compose, "in_trainer", in_trainer)
    code, output, _ = run("retrain", "--interactions", "/data/mine.csv")
    assert (code, output) == (3, "Retraining the stack of Docker compose\n")
    assert called == [["run", "--wait", "--interactions", "/data/mine.csv"]]


@pytest.mark.parametrize(
    "arguments", [["generations"], ["verify", "--sample", "5"], ["erase", "-5"], ["diff", "a", "b"], ["promote", "--help"]], ids=" ".join
)
def test_the_trainer_s_commands_are_passed_on_as_they_are(run: Run, local: list[list[str]], arguments: list[str]) -> None:
    assert run(*arguments) == (0, "", "")
    assert local == [arguments]


def test_the_trainer_s_commands_reach_the_compose_stack_and_keep_their_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def in_trainer(_: Path, arguments: list[str]) -> int:
        called.append(arguments)
        return 5

    monkeypatch.setattr(compose, "running_services", lambda _: ["api", "trainer"])
    monkeypatch.setattr(compose, "in_trainer", in_trainer)
    assert run("verify") == (5, "", "In the stack of Docker compose\n")
    assert called == [["verify"]]


def test_status_shows_processes_workers_and_what_the_trainer_says(
    run: Run, local: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "workers_line", lambda _: "2 of 2 worker processes respond")
    monkeypatch.setattr(status, "what_is_wrong", lambda *_: [])
    code, output, _ = run("status")
    assert code == 0
    assert re.search(r"api +│ running +│ +7 │ 0:01:05", output)
    assert "2 of 2 worker processes" in output
    assert local == [["status"]]


def test_services_of_compose_are_asked_of_docker(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = script("docker", '[ "$*" = "compose ps --services --status running" ] && printf "trainer\\napi\\n"')
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    assert compose.running_services(tmp_path) == []
    (tmp_path / compose.FILE).touch()
    assert compose.running_services(tmp_path) == ["api", "trainer"]
    script("docker", "echo 'docker: unknown command: docker compose' >&2; exit 1")
    assert compose.running_services(tmp_path) == []


def test_without_its_packages_it_says_so_in_one_line() -> None:
    command = [sys.executable, "-S", "-m", "stack", "down"]  # -S: without site-packages
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert re.fullmatch(r"\w+ is not installed for .*: run `make setup`, then .*\n", ran.stderr)


def test_a_supervisor_that_is_not_there_does_not_run(prepared: StackPaths, supervisor: FakeSupervisor) -> None:
    assert not Supervisor(prepared).runs()
    assert not supervisor.runs()


def test_what_needs_no_stack_runs_where_none_does(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.csv").write_text("user_id,item_id\n" + "".join(f"{n % 9},{n % 7}\n" for n in range(60)))
    monkeypatch.chdir(tmp_path)
    code, output, _ = run("check", "mine.csv")
    assert (code, output.splitlines()[0]) == (0, "mine.csv: usable")


def test_who_names_a_redis_means_that_stack(run: Run, local: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "saved", lambda *_: pytest.fail("the settings of the stack here were read"))
    monkeypatch.setenv("LARDER_REDIS_URL", "redis://elsewhere:1/0")
    assert run("generations") == (0, "", "")
    assert local == [["generations"]]


def test_a_stack_that_lacks_a_process_or_its_api_is_no_success(run: Run, local: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(status, "workers_line", lambda _: "2 of 2 worker processes respond")
        monkeypatch.setattr(Supervisor, "processes", lambda _: [Process("api", "FATAL", 0, 0), Process("redis", "RUNNING", 7, 65)])
        saved = {"LARDER_API_HOST": "127.0.0.1", "LARDER_API_PORT": str(nobody.getsockname()[1])}
        monkeypatch.setattr(environment, "saved", lambda *_: saved)
        code, output, _ = run("status")
    assert code == StoreError.exit_code
    assert "api does not run (fatal): its log is " in output
    assert f"the API at http://127.0.0.1:{saved['LARDER_API_PORT']} does not answer (ConnectionError): its log is " in output


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], "Larder does not run: `make up` starts it"),
        (["RUNNING", "STOPPED"], "Larder runs in part (p0): `make up` starts the rest, `make down` stops it"),
        (["RUNNING", "STARTING"], "Larder goes on in the background: `make up` watches it again, `make down` stops it"),
    ],
)
def test_a_stop_of_up_says_what_there_is(run: Run, monkeypatch: pytest.MonkeyPatch, states: list[str], said: str) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "up", stopped)
    monkeypatch.setattr(Supervisor, "runs", lambda _: bool(states))
    monkeypatch.setattr(Supervisor, "processes", lambda _: [Process(f"p{n}", state, 1, 1) for n, state in enumerate(states)])
    assert run("up") == (130, said + "\n", "")


def test_keys_that_are_too_short_are_said_before_anything_is_made(run: Run, places: StackPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_API_ADMIN_KEYS", "letmein")
    assert run("up") == (SettingsError.exit_code, "", "LARDER_API_ADMIN_KEYS: a key has at least 16 characters\n")
    assert not places.var.exists()


def test_all_commands_are_listed(run: Run) -> None:
    code, output, _ = run("--help")
    assert code == 0
    assert all(f"  {name} " in output for name in ("up", "down", "status", "run", "check", "promote", "rollback", "export"))
    assert "  serve " not in output
    assert run("bake")[0] == 2


def test_every_command_has_a_row_in_the_reference() -> None:
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(told) == sorted({*command_line.app.commands, *trainer_commands.names()})
