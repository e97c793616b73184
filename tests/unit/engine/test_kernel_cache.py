"""The folder of compiled kernels is another one whenever a kernel could be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine import kernel_cache
from engine.kernel_cache import ROOT, VARIABLE, digest, prune, sources, use
from tests.support.paths import ROOT as CHECKOUT

VERSIONS = {"numba": "0.62.0", "llvmlite": "0.45.0"}
CALLER = """from numba import njit
from engine.callee import factor
from contract.layout import (
    WIDTH,
)

@njit(cache=True)
def scaled(x):
    return factor() * x * WIDTH
"""
CALLEE = """from numba import njit

@njit
def factor():
    return 2
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"engine/caller.py": CALLER, "engine/callee.py": CALLEE, "contract/layout.py": "WIDTH = 1\n", "trainer/plain.py": "x = 1\n"}
    for name, text in {**files, "contract/other.py": "y = 1\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["engine/callee.py", "engine/caller.py", "contract/layout.py"])
def test_another_source_of_a_kernel_is_another_folder(root: Path, name: str) -> None:
    before = digest(root, VERSIONS)
    path = root / name
    path.write_text(path.read_text().replace("2", "3").replace("1", "4") + "# another\n")
    assert digest(root, VERSIONS) != before


@pytest.mark.parametrize("name", ["trainer/plain.py", "contract/other.py"])
def test_sources_that_no_kernel_has_change_nothing(root: Path, name: str) -> None:
    before = digest(root, VERSIONS)
    (root / name).write_text("z = 9\n")
    assert digest(root, VERSIONS) == before


@pytest.mark.parametrize("compiler", ["numba", "llvmlite"])
def test_another_compiler_is_another_folder(root: Path, compiler: str) -> None:
    assert digest(root, VERSIONS) != digest(root, {**VERSIONS, compiler: "99.0"})


def test_another_choice_of_kernels_is_another_folder(root: Path) -> None:
    assert use({}, root) == use({"LARDER_KERNELS": "auto"}, root)
    assert use({}, root) != use({"LARDER_KERNELS": "plain"}, root)


def test_the_machine_code_of_an_old_callee_is_not_run(root: Path) -> None:
    """Numba alone, in one folder, would: the caller's file has not changed."""
    for package in ("engine", "contract"):
        (root / package / "__init__.py").touch()  # so that it is found before the checkout's own

    def scaled() -> str:
        environ = {**os.environ, VARIABLE: str(root / "cache"), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        code = (
            "import os, sys; from pathlib import Path; import importlib.util as u\n"
            f"spec = u.spec_from_file_location('cache', {str(CHECKOUT / 'engine' / 'kernel_cache.py')!r})\n"
            "module = u.module_from_spec(spec); spec.loader.exec_module(module)\n"
            f"module.use(os.environ, Path({str(root)!r}))\n"
            "from engine.caller import scaled; print(scaled(5))"
        )
        return subprocess.run([sys.executable, "-c", code], env=environ, cwd=root, check=True, capture_output=True, text=True).stdout

    assert scaled() == "10\n"
    callee = root / "engine" / "callee.py"
    callee.write_text(callee.read_text().replace("return 2", "return 3"))
    assert scaled() == "15\n"


def test_every_module_that_compiles_is_in_the_name() -> None:
    """Whoever adds a kernel outside of the packages that are looked at adds the package."""
    names = ("api", "bench", "contract", "engine", "stack", "tools", "trainer", "worker")
    compiling = [path for name in names for path in (ROOT / name).rglob("*.py") if "import njit" in path.read_text()]
    assert len(compiling) > 10
    assert set(compiling) <= set(sources())


@pytest.mark.parametrize("package", ["trainer.__main__", "worker.__main__", "stack.command_line", "bench.__main__"])
def test_no_process_imports_numba_before_it_has_a_folder(package: str) -> None:
    code = f"import {package}, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


def test_named_once_and_again(root: Path, tmp_path: Path) -> None:
    environ = {VARIABLE: str(tmp_path / "given")}
    folder = use(environ, root)
    assert folder.parent == tmp_path / "given"
    assert environ[VARIABLE] == str(folder)
    assert use(environ, root) == folder  # a child of this process
    (root / "engine" / "callee.py").write_text("")
    assert use(environ, root).parent == folder.parent


def test_without_a_word_it_is_in_var(root: Path) -> None:
    assert use({}, root).parent == root / "var" / "numba-cache"
    assert stat.S_IMODE((root / "var" / "numba-cache").stat().st_mode) == 0o700


def test_a_file_system_that_can_not_be_written_to(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code's own folder is read-only in containers; a folder of others among the temporary ones is not taken."""
    (root / "var").write_text("in the way, also for root")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    mine = use({}, root).parent
    assert mine.parent == temporary
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    mine.chmod(0o777)
    other = use({}, root).parent
    assert other.parent == temporary
    assert other != mine


def test_old_folders_go(root: Path) -> None:
    base = root / "cache"
    for age, name in enumerate(["kernels-1", "kernels-2", "kernels-3", "kernels-4", "kernels-5", "mine"]):
        (base / name).mkdir(parents=True)
        os.utime(base / name, (1_000_000 - age, 1_000_000 - age))
    prune(base)
    assert sorted(path.name for path in base.iterdir()) == ["kernels-1", "kernels-2", "kernels-3", "mine"]
    prune(root / "nothing")
    assert kernel_cache.KEPT == 3
