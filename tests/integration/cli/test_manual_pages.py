"""Pages of the manual, run as they stand, on stacks that `larder up` starts: each block of commands, and what it shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import kernel_cache
from tests.e2e.local import LocalStack
from tests.support.depth import deeper
from tests.support.page_blocks import run_page
from tests.support.paths import ROOT

pytestmark = [deeper, pytest.mark.timeout(1200)]
DOCS = ROOT / "docs"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    """Not started: pages do that."""
    made = LocalStack(tmp_path / "var", Path(os.environ[kernel_cache.VARIABLE]))
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
    return {**stack.environment(), "PATH": os.pathsep.join(path), "COLUMNS": "120"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "film-club"
    made.mkdir()
    return made


def test_the_tutorial(stack: LocalStack, environ: dict[str, str], folder: Path) -> None:
    run_page(DOCS / "tutorial.md", folder, environ, stack.port)
