"""The table of mutants fits the code of today, and who runs it tells what tests find from what they don't."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tools.mutants import Mutant, outcomes, table


def test_each_mutant_fits_the_code() -> None:
    for mutant in table():
        mutated = mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
        if mutant.file.endswith(".py"):
            ast.parse(mutated)
        assert mutant.old != mutant.new
        assert [path for path in mutant.tests if not (ROOT / path.partition("::")[0]).exists()] == []


def test_faults_are_told_apart() -> None:
    faults = [mutant.fault for mutant in table()]
    assert len(faults) == len(set(faults))


def test_what_tests_find_is_told_from_what_they_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "sums.py").write_text("def total(a, b):\n    return a + b\n\n\ndef rest(a, b):\n    return a - b\n")
    (tmp_path / "test_sums.py").write_text("import sums\n\n\ndef test_total():\n    assert sums.total(2, 3) == 5\n")
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert False\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)

    def mutant(area: str, tests: str, old: str, new: str) -> Mutant:
        return Mutant(area, (tests,), f"{old} is {new}", "sums.py", old, new)

    mutants = [
        mutant("sums", "test_sums.py", "a + b", "a * b"),
        mutant("sums", "test_sums.py", "a - b", "b - a"),
        mutant("sums", "test_sums.py", "def total", "def"),
        mutant("wrong", "test_wrong.py", "a + b", "a * b"),
    ]
    said = [outcome for _, outcome, _ in outcomes(mutants, tmp_path)]
    assert said == [
        "its tests pass",
        "found",
        "SURVIVES",
        "broken: pytest ends with 2",
        "broken: its tests end with 1 without a mutant",
    ]
    assert "a + b" in (tmp_path / "sums.py").read_text()


def test_a_mutant_whose_place_has_changed_is_refused() -> None:
    with pytest.raises(ValueError, match="2 times, and a mutant needs it once"):
        Mutant("area", (), "fault", "file.py", "a", "b").applied("a a")
