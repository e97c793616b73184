from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from contract import VERSION
from stack import bootstrap
from stack.bootstrap import BootstrapError, ensure, main, reason_of
from stack.installed import install
from tests.support.paths import ROOT

Script = Callable[[str, str], Path]


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as a good .venv; the locks stand in a checkout beside it."""
    (tmp_path / "requirements").mkdir()
    for lock in ("local", "dev", "docs"):
        (tmp_path / "requirements" / f"{lock}.txt").write_text(f"{lock}==1\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "_usable", lambda venv: venv.is_dir())
    monkeypatch.setattr(bootstrap, "_create", lambda venv: (venv / "bin").mkdir(parents=True))
    return tmp_path / ".venv"


@pytest.fixture
def installed(venv: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Locks that were installed, in order; pip itself is not called."""
    locks: list[str] = []
    monkeypatch.setattr(bootstrap, "_install", lambda lock, _venv: locks.append(lock))
    return locks


def test_a_lock_is_installed_once(venv: Path, installed: list[str]) -> None:
    assert [ensure("local", venv), ensure("local", venv)] == [0, 0]
    assert installed == ["local"]


def test_dev_holds_local_and_neither_undoes_the_other(venv: Path, installed: list[str]) -> None:
    for lock in ("local", "dev", "local", "dev"):
        ensure(lock, venv)
    assert installed == ["local", "dev"]


def test_the_manuals_packages_are_beside_and_undo_nothing(venv: Path, installed: list[str]) -> None:
    for lock in ("local", "docs", "local", "docs", "dev", "docs"):
        ensure(lock, venv)
    assert installed == ["local", "docs", "dev"]


def test_a_changed_lock_is_installed_again_and_dev_after_it(venv: Path, installed: list[str]) -> None:
    ensure("dev", venv)
    (venv.parent / "requirements" / "local.txt").write_text("local==2\n")
    for lock in ("local", "local", "dev", "local"):
        ensure(lock, venv)
    assert installed == ["dev", "local", "dev"]


def test_a_folder_that_is_gone_or_broken_is_made_anew(venv: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ensure("local", venv)
    monkeypatch.setattr(bootstrap, "_usable", lambda _: False)
    monkeypatch.setattr(bootstrap, "_create", lambda _: None)
    ensure("local", venv)
    assert installed == ["local", "local"]


def test_an_install_that_is_cut_short_satisfies_nothing(venv: Path, script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    venv.mkdir()
    (venv / "bin").symlink_to(script("python", "echo 'ERROR: Could not install: [Errno 28] No space left on device'; exit 1").parent)
    (venv / "larder-locks.json").write_text("{}")
    assert main("local") == 1
    assert not (venv / "larder-locks.json").exists()
    assert (
        "can't install requirements/local.txt: the disk is full: the packages need about 2 GB in .venv; free some, then run make again"
        in (capsys.readouterr().err)
    )


@pytest.fixture
def drivers(venv: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("mysql", "duckdb"):
        (venv.parent / "requirements" / f"driver-{name}.txt").write_text(f"{name}==1\n")
    monkeypatch.setattr("stack.bootstrap.installed.install", lambda _root, _venv: None)
    return monkeypatch


def test_drivers_are_installed_once_and_kept_as_new_as_their_locks(venv: Path, installed: list[str], drivers: pytest.MonkeyPatch) -> None:
    drivers.setenv("LARDER_DRIVERS", "mysql, duckdb")
    assert [main("local"), main("local")] == [0, 0]
    assert installed == ["local", "driver-duckdb", "driver-mysql"]
    drivers.delenv("LARDER_DRIVERS")
    main("local")
    assert len(installed) == 3
    (venv.parent / "requirements" / "driver-mysql.txt").write_text("mysql==2\n")
    (venv.parent / "requirements" / "local.txt").write_text("local==2\n")
    main("local")
    assert installed[3:] == ["local", "driver-mysql"]


def test_a_driver_that_is_not_known_is_refused(
    venv: Path, installed: list[str], drivers: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drivers.setenv("LARDER_DRIVERS", "../local")
    assert main("local") == 1
    assert "LARDER_DRIVERS: '../local' is not one of duckdb, mysql; correct it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("WARNING: Retrying ... NewConnectionError(...)\nERROR: Could not find a version that satisfies numpy", "can't be reached"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that the lock names"),
        ("building\nERROR: Failed building wheel for x", "pip says: ERROR: Failed building wheel for x; see .venv/pip.log"),
        ("strange", "pip says: strange"),
    ],
)
def test_a_failure_of_pip_is_one_line(log: str, reason: str) -> None:
    assert reason in reason_of(log)
    assert "\n" not in reason_of(log)


def test_no_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "NEED_BYTES", 2**62)
    with pytest.raises(BootstrapError, match=r"GB free, and .venv needs"):
        ensure("local", tmp_path / ".venv")
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def checkout(tmp_path: Path, script: Script) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs make in a folder that holds the Makefile alone, with nothing on PATH but the shell's tools and the test's scripts."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    make = "/usr/bin/make"
    for tool in ("awk", "sh", "test", "rm"):
        script(tool, f'PATH=/usr/bin:/bin exec {tool} "$@"')

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
        return subprocess.run([make, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)

    if not Path(make).exists():
        pytest.skip("there is no /usr/bin/make")
    return run


Make = Callable[..., subprocess.CompletedProcess[str]]


def test_make_alone_lists_the_targets(checkout: Make) -> None:
    listed = [line.split()[1] for line in checkout().stdout.splitlines()]
    assert {"help", "setup", "up", "down", "retrain", "status", "logs", "clean", "test", "check", "fix", "e2e", "lock"} <= set(listed)


def test_a_python_that_does_not_run_is_passed_over(checkout: Make, script: Script) -> None:
    script("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    script("python3.11", 'case "$1" in -c) exit 0;; esac; echo "installs with 3.11: $*"')
    ran = checkout("setup")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "installs with 3.11: -m stack.bootstrap local\n", "")


def test_the_users_python_is_tried_first(checkout: Make, script: Script) -> None:
    mine = script("mine", 'case "$1" in -c) exit 0;; esac; echo "installs with mine"')
    script("python3.12", 'case "$1" in -c) exit 0;; esac; echo "installs with 3.12"')
    assert checkout("setup", f"PYTHON={mine}").stdout == "installs with mine\n"


def test_without_a_python_there_is_one_line_that_says_what_to_do(checkout: Make) -> None:
    ran = checkout("up")
    assert ran.returncode != 0
    first, *rest = ran.stderr.splitlines()
    assert first.startswith("Larder needs Python 3.11 to 3.14 with venv: install one")
    assert all(line.startswith("make: ***") for line in rest)


def test_what_needs_a_running_stack_says_that_there_is_none(checkout: Make) -> None:
    for target in ("retrain", "status", "logs"):
        ran = checkout(target)
        assert ran.returncode != 0
        assert ran.stderr.startswith("Larder does not run here: `make up` starts it, or `make compose-up` with Docker\n")
    assert checkout("down").stdout == "Larder does not run\n"
    assert checkout("clean").stdout == "There is nothing to remove\n"


def test_down_without_the_venv_says_what_to_do(checkout: Make, tmp_path: Path) -> None:
    (tmp_path / "var" / "run").mkdir(parents=True)
    ran = checkout("down")
    assert ran.returncode != 0
    assert ran.stderr.startswith(".venv is gone: `make setup` first, then `make down`\n")


def test_a_machine_with_docker_alone_retrains_the_stack_of_compose(checkout: Make, script: Script) -> None:
    script("docker", 'case "$2" in ps) echo trainer;; *) echo "docker $*";; esac')
    ran = checkout("retrain", "ARGS=--k 20")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == "The stack of Docker compose:\n"
    assert ran.stdout == "docker compose exec -T -e CALLED_AS=docker compose exec trainer larder trainer larder run --wait --k 20\n"


def test_variables_on_the_command_line_reach_the_processes(checkout: Make, script: Script) -> None:
    script("python3.11", 'case "$1" in -c) exit 0;; esac; echo "port $LARDER_API_PORT"')
    assert checkout("setup", "LARDER_API_PORT=5001").stdout == "port 5001\n"
    assert "LARDER_API_PORT" not in os.environ


def test_rollback_needs_no_lock_file_and_no_network(checkout: Make, tmp_path: Path) -> None:
    """An install that failed, as of `make test` without a network, has removed the lock file; the stack runs all the same."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    larder = tmp_path / ".venv" / "bin" / "larder"
    larder.write_text('#!/bin/sh\necho "larder $*"\n')
    larder.chmod(0o755)
    for target, line in (("rollback", "larder rollback"), ("status", "larder status"), ("retrain", "larder retrain")):
        assert checkout(target).stdout == f"{line}\n"


def test_relative_paths_are_those_of_the_folder_that_make_was_called_in(checkout: Make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    larder = tmp_path / ".venv" / "bin" / "larder"
    larder.write_text('#!/bin/sh\necho "$(/bin/pwd): $*"\n')
    larder.chmod(0o755)
    elsewhere = tmp_path / "my $data"
    elsewhere.mkdir()
    assert checkout("retrain", "ARGS=--k 2").stdout == f"{tmp_path}: retrain --k 2\n"
    environ = {"PATH": str(tmp_path / "bin"), "PWD": str(elsewhere)}
    command = ["/usr/bin/make", "-C", str(tmp_path), "retrain", "ARGS=--interactions mine.csv"]
    ran = subprocess.run(command, cwd=elsewhere, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert f"{elsewhere}: retrain --interactions mine.csv\n" in ran.stdout


def test_larder_is_installed_without_a_network_and_called_from_any_folder(tmp_path: Path) -> None:
    """A folder with a space in its name, an older version, a module in the caller's folder that is called like one of ours."""
    root, venv = tmp_path / "the checkout", tmp_path / "the checkout" / ".venv"
    (root / "stack").mkdir(parents=True)
    (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (root / "stack" / "__main__.py").write_text(
        "import importlib.metadata as m, os, sys\ndef main():\n    print(m.version('larder'), os.getcwd(), *sys.argv[1:])\n    return 7\n"
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python3.*/site-packages")
    (packages / "larder-0.0.9.dist-info").mkdir()
    install(root, venv)
    install(root, venv)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "stack.py").write_text("raise SystemExit('the wrong module')")
    ran = subprocess.run([venv / "bin" / "larder", "status", "a b"], cwd=elsewhere, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, f"{VERSION} {elsewhere} status a b\n", "")
    assert [path.name for path in packages.glob("larder-*")] == [f"larder-{VERSION}.dist-info"]


def test_the_version_is_one() -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert about["project"]["dynamic"] == ["version"]
    assert "version" not in about["project"]
    assert about["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "contract.VERSION"}
    assert f"\n## {VERSION} - " in (ROOT / "CHANGELOG.md").read_text(), "the version has no section in the changelog"


def test_a_stop_while_packages_are_installed_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "ensure", stopped)
    assert main("local") == 130
    assert "Stopped while .venv was made: nothing else was touched" in capsys.readouterr().err
