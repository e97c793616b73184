"""A command that is called beside a stack: which settings it gets, whose paths it means, and what its hints say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.settings import command_hints
from contract.settings.absolute import absolute_options, absolute_variables
from contract.settings.command_hints import as_called
from contract.settings.running_stack import environment_beside

HERE = Path("/home/ana")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("interactions", "shop.csv", "/home/ana/shop.csv"),
        ("interactions", "days/*.parquet", "/home/ana/days/*.parquet"),
        ("interactions", "/data/shop.csv", "/data/shop.csv"),
        ("interactions", "-", "-"),
        ("interactions", "movielens-100k", "movielens-100k"),
        ("interactions", "movielens-mine.csv", "/home/ana/movielens-mine.csv"),
        ("interactions", "synthetic:10x20x300", "synthetic:10x20x300"),
        ("interactions", "s3://bucket/a.csv", "s3://bucket/a.csv"),
        ("interactions", "postgresql://ana@host/shop", "postgresql://ana@host/shop"),
        ("interactions", "sqlite:///shop.db", "sqlite:////home/ana/shop.db"),
        ("interactions", "sqlite:////data/shop.db", "sqlite:////data/shop.db"),
        ("interactions", "sqlite:///:memory:", "sqlite:///:memory:"),
        ("items", "titles.csv", "/home/ana/titles.csv"),
        ("items", "", ""),
        ("exclude_items", "1,2,3", "1,2,3"),
        ("sql_table", "orders", "orders"),
        ("api_read_keys_file", "keys", "/home/ana/keys"),
    ],
)
def test_relative_paths_are_the_callers(name: str, value: str, expected: str) -> None:
    assert absolute_options({name: value}, HERE) == {name: expected}
    variable = f"LARDER_{name.upper()}"
    assert absolute_variables({variable: value, name.upper(): value}, HERE) == {variable: expected, name.upper(): value}


def test_options_that_are_no_texts_stay(tmp_path: Path) -> None:
    (tmp_path / "out of print.txt").touch()
    given = {"k": 5, "header": False, "exclude_items": "out of print.txt"}
    assert absolute_options(given, tmp_path) == {"k": 5, "header": False, "exclude_items": str(tmp_path / "out of print.txt")}


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """The folder of a stack that runs: this process stands for its supervisor."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "supervisord.pid").write_text(f"{os.getpid()}\n")
    (tmp_path / "run" / "environment.json").write_text(json.dumps({"LARDER_REDIS_URL": "unix:///a.sock", "LARDER_K": "7"}))
    return tmp_path


def test_the_settings_of_the_stack_that_runs_complete_those_that_are_given(var: Path) -> None:
    found = environment_beside({"LARDER_K": "3", "HOME": "/home/ana"}, var)
    assert found == {"LARDER_K": "3", "HOME": "/home/ana", "LARDER_REDIS_URL": "unix:///a.sock"}


def test_who_names_a_redis_means_another_stack(var: Path) -> None:
    given = {"LARDER_REDIS_URL": "redis://elsewhere:6379/0"}
    assert environment_beside(given, var) == given


def test_a_stack_that_does_not_run_has_no_say(var: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for text in (str(ended.pid), "", "x"):
        (var / "run" / "supervisord.pid").write_text(text)
        assert environment_beside({"A": "b"}, var) == {"A": "b"}
    assert environment_beside({"A": "b"}, var / "none") == {"A": "b"}


def test_settings_that_can_t_be_read_are_left_alone(var: Path) -> None:
    (var / "run" / "environment.json").write_text("{")
    assert environment_beside({"A": "b"}, var) == {"A": "b"}


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed `larder`, in a folder with a space in its name."""
    monkeypatch.delenv(command_hints.CALLED_AS, raising=False)
    prefix = tmp_path / "my larder" / ".venv"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "larder").write_text("#!/bin/sh\n")
    (prefix / "bin" / "larder").chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setenv("PATH", "/nowhere")
    return prefix


def test_a_hint_names_a_command_that_works_where_it_is_read(prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prefix.parent)
    assert as_called("promote", "g1", "--force") == ".venv/bin/larder promote g1 --force"
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    assert as_called("check", "my file") == f"'{prefix}/bin/larder' check 'my file'"
    monkeypatch.setenv("PATH", f"{prefix}/bin")
    assert as_called("watch") == "larder watch"


def test_another_larder_on_path_is_not_meant(prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "larder"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(prefix)
    assert as_called("watch") == "bin/larder watch"
    (prefix / "bin" / "larder").unlink()  # as in an image, where it lies beside the libraries
    assert as_called("watch") == "larder watch"


def test_a_command_in_a_container_is_called_from_outside(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command_hints.CALLED_AS, "docker compose exec trainer larder")
    assert as_called("release") == "docker compose exec trainer larder release"


def test_without_an_install_the_module_is_named(prefix: Path) -> None:
    (prefix / "bin" / "larder").unlink()
    assert as_called("status") == "python -m trainer status"
