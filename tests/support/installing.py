"""A .venv as `make setup` makes it, of the libraries that run the tests."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from stack.installed import install
from tests.support.paths import ROOT


def install_into(venv: Path) -> Path:
    """The folder of its commands: `python` and `larder`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python3.*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install(ROOT, venv)
    return venv / "bin"
