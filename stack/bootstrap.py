"""Makes .venv and fills it from a lock file. Run by any Python from 3.11 to 3.14 before anything is installed, so: standard library only.

    python3.11 -m stack.bootstrap local     what `make up` needs
    python3.11 -m stack.bootstrap dev       all of that, and what tests and checks need
    python3.11 -m stack.bootstrap bench     all of that, and the peers that bench/ measures
    python3.11 -m stack.bootstrap docs      what makes the site of the manual, beside what is there
    python3.11 -m stack.bootstrap chart     what checks the chart for Kubernetes, beside what is there

LARDER_DRIVERS=mysql,duckdb adds what reads these; once installed, they are kept as new as their locks.

`.venv/larder-locks.json` remembers the digest of each lock that the folder satisfies. The locks are cuts of one
resolution, and dev holds all of local: after dev, both are satisfied; after a changed local, dev is not. So with bench.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from stack import before_install, installed

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
HOLDS = {"local": ("local",), "dev": ("dev", "local", "docs"), "bench": ("bench", "dev", "local", "docs")}
DRIVER = "driver-"
BESIDE = (DRIVER, "docs", "chart")  # locks that are installed beside what is there, as versions are the same in all
NEED_BYTES = 2 * 2**30
WRONG_PYTHON = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
INTERRUPTED = 130
LINE_EVERY_S = 10.0
REASONS = (
    (("No space left on device", "Errno 28"), "the disk is full: the packages need about 2 GB in .venv; free some"),
    (("DO NOT MATCH THE HASHES", "HashMismatch"), "a package is not the one that the lock names: a proxy or mirror may have changed it"),
    (
        ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "ProxyError", "Connection refused", "Network is unreachable",
         "ReadTimeoutError", "Temporary failure in name resolution", "Could not find a version", "No matching distribution"),
        "the package index can't be reached, or lacks a package: look at the network, and at pip's settings if you use a mirror or proxy",
    ),
    (("Permission denied", "Errno 13"), "something in .venv is not writable: remove .venv"),
)  # fmt: skip


class BootstrapError(Exception):
    """One line for people."""


def main(lock: str, goal: str = "") -> int:
    """`goal`: what make was asked for. What `up` would refuse after the wait is refused before it."""
    try:
        if goal == "up" and not _stamps(VENV) and (wrong := before_install.what_is_wrong(os.environ, ROOT)):
            raise BootstrapError(wrong)
        ensure(lock, VENV)
        for driver in _drivers(VENV):
            ensure(driver, VENV)
        return 0
    except BootstrapError as error:
        sys.stderr.write(f"{error}, then run make again\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped while .venv was made: nothing else was touched, and the same command goes on from here\n")
        return INTERRUPTED


def ensure(lock: str, venv: Path) -> int:
    """Make `venv` satisfy requirements/`lock`.txt; does nothing when it does already."""
    usable = _usable(venv)
    stamps = _stamps(venv) if usable else {}
    if not usable:
        _create(venv)
    installed.install(ROOT, venv)  # first: what runs here is looked after also when the packages can't be had
    if stamps.get(lock) == _digest(lock):
        return 0
    _install(lock, venv)
    kept = {name: digest for name, digest in stamps.items() if lock.startswith(BESIDE) or name.startswith(BESIDE)}
    satisfied = {name: _digest(name) for name in HOLDS.get(lock, (lock,))}
    _stamp(venv).write_text(json.dumps(kept | satisfied), encoding="utf-8")
    return 0


def _drivers(venv: Path) -> list[str]:
    """Locks of the drivers that are asked for, and of those that are there. Raises BootstrapError for one that is not known."""
    known = sorted(path.stem for path in (ROOT / "requirements").glob(f"{DRIVER}*.txt"))
    asked = [DRIVER + name.strip() for name in os.environ.get("LARDER_DRIVERS", "").split(",") if name.strip()]
    for name in asked:
        if name not in known:
            drivers = ", ".join(one.removeprefix(DRIVER) for one in known)
            raise BootstrapError(f"LARDER_DRIVERS: {name.removeprefix(DRIVER)!r} is not one of {drivers}; correct it")
    return sorted({*asked, *(name for name in _stamps(venv) if name in known)})


def reason_of(log: str) -> str:
    """What to tell people about a failure of pip."""
    for signs, reason in REASONS:
        if any(sign in log for sign in signs):
            return reason
    errors = [line.strip() for line in log.splitlines() if "ERROR" in line]
    return f"pip says: {errors[-1] if errors else log.strip()[-300:]}; see .venv/pip.log"


def _usable(venv: Path) -> bool:
    """Whether `venv` has a Python that runs, of the right version, with pip."""
    try:
        return subprocess.run([venv / "bin" / "python", "-c", WRONG_PYTHON], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _create(venv: Path) -> None:
    free = shutil.disk_usage(venv.parent).free
    if free < NEED_BYTES:
        raise BootstrapError(f"{venv.parent} has {free / 2**30:.1f} GB free, and .venv needs {NEED_BYTES / 2**30:.0f}: free some")
    _say(f"Making .venv with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], capture_output=True, text=True, check=False)
    if made.returncode:
        raise BootstrapError(f"can't make .venv: {reason_of(made.stdout + made.stderr)}")


def _install(lock: str, venv: Path) -> None:
    """Exactly what the lock names and nothing that the packages ask for besides (pyproject.toml says why)."""
    requirements = ROOT / "requirements" / f"{lock}.txt"
    n_packages = sum("==" in line for line in requirements.read_text(encoding="utf-8").splitlines())
    _say(f"Installing requirements/{lock}.txt, about {n_packages} packages (one to three minutes the first time)")
    began = time.monotonic()
    log = venv / "pip.log"
    log.unlink(missing_ok=True)
    _stamp(venv).unlink(missing_ok=True)  # an install that is cut short satisfies no lock
    options = ("--no-deps", "--require-hashes", "--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", *options, "--log", str(log), "-r", str(requirements)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None  # noqa: S101 (PIPE was asked for)
        output = _follow(pip.stdout, n_packages)
    if pip.returncode:
        raise BootstrapError(f"can't install requirements/{lock}.txt: {reason_of(output)}")
    _say(f"Installed in {time.monotonic() - began:.0f} s")


def _follow(lines: Iterable[str], n_packages: int) -> str:
    """All of `lines`, while a counter says how far pip is: on the terminal always, elsewhere by a line now and then."""
    output, n_seen, live, said = [], 0, sys.stdout.isatty(), time.monotonic()
    for line in lines:
        output.append(line)
        n_seen += line.startswith(("Collecting", "Requirement already satisfied"))
        installing = line.startswith("Installing collected")
        if live and (installing or line.startswith("Collecting")):
            sys.stdout.write("\r\033[K" + ("installing" if installing else f"{n_seen}/{n_packages} {line.split()[1].split('==')[0]}"))
            sys.stdout.flush()
        elif not live and time.monotonic() - said >= LINE_EVERY_S:
            said = time.monotonic()
            _say("installing" if installing else f"{min(n_seen, n_packages)} of {n_packages} packages")
    if live:
        sys.stdout.write("\r\033[K")
    return "".join(output)


def _digest(lock: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{lock}.txt").read_bytes()).hexdigest()


def _stamp(venv: Path) -> Path:
    return venv / "larder-locks.json"


def _stamps(venv: Path) -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(_stamp(venv).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
