"""Faults that are put into the code on purpose, one at a time, to see whether tests find them: `python -m tools.mutants [WORD ...]`.

tools/mutants.toml lists them by area, each with the tests that must find it; WORDs choose those in whose area, file or description one of
them stands. The code is copied, and only the copy is broken. Before the first mutant of an area its tests must pass. Ends with 1 where a
mutant survives: then a test is missing, or the code does nothing; and where the tests of an area fail by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tools" / "mutants.toml"
PASSED, FAILED = 0, 1  # pytest's exit codes; others say that it could not run
HANGS_S = 900  # a loop of compiled code that never ends hears no signal


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old`, which occurs once in `file`, becomes `new`; `fault`: what that breaks."""

    area: str
    tests: tuple[str, ...]
    fault: str
    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Raises ValueError where `old` does not occur once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {self.old!r} {text.count(self.old)} times, and a mutant needs it once: write it anew")
        return text.replace(self.old, self.new)

    def is_meant_by(self, words: Sequence[str]) -> bool:
        return not words or any(word in part for word in words for part in (self.area, self.file, self.fault))


def table(path: Path = TABLE) -> list[Mutant]:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Mutant(area["name"], tuple(area["tests"]), **mutant) for area in found["area"] for mutant in area["mutant"]]


def outcomes(mutants: Sequence[Mutant], root: Path) -> Iterator[tuple[Mutant | str, str, float]]:
    """What became of the tests of each area, and of each mutant, in a copy of the code in `root`: found, survives, or broken; seconds."""
    with TemporaryDirectory(prefix="mutants-") as folder:
        copied(root, Path(folder))
        for area in dict.fromkeys(mutant.area for mutant in mutants):
            of_area = [mutant for mutant in mutants if mutant.area == area]
            begun = time.monotonic()
            if (code := ran(of_area[0].tests, Path(folder))) != PASSED:
                yield area, f"broken: its tests end with {code} without a mutant", time.monotonic() - begun
                continue
            yield area, "its tests pass", time.monotonic() - begun
            for mutant in of_area:
                path, begun = Path(folder, mutant.file), time.monotonic()
                whole = path.read_text(encoding="utf-8")
                path.write_text(mutant.applied(whole), encoding="utf-8")
                code = ran(mutant.tests, Path(folder))
                path.write_text(whole, encoding="utf-8")
                said = {PASSED: "SURVIVES", FAILED: "found"}.get(code, f"broken: pytest ends with {code}")
                yield mutant, said, time.monotonic() - begun


def copied(root: Path, folder: Path) -> None:
    """All files that Git knows or would."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=root, check=True, capture_output=True).stdout.decode().split("\0"):
        if name and (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)


def ran(tests: Sequence[str], folder: Path) -> int:
    """How pytest ends, at the first test that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    # Python takes a mutant of the same size and second for the code before it, where it keeps that compiled.
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            return process.wait(HANGS_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return FAILED


def main(words: Sequence[str]) -> int:
    mutants = [mutant for mutant in table() if mutant.is_meant_by(words)]
    said = []
    for what, outcome, seconds in outcomes(mutants, ROOT):
        said.append(outcome)
        sys.stdout.write(f"{outcome:9} {seconds:4.0f} s  {what if isinstance(what, str) else f'{what.file}: {what.fault}'}\n")
        sys.stdout.flush()
    n_found, n_survive = said.count("found"), said.count("SURVIVES")
    sys.stdout.write(f"{len(mutants)} mutants: {n_found} found, {n_survive} survive, {len(mutants) - n_found - n_survive} were not tried\n")
    return 0 if mutants and n_found == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
