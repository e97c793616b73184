"""Larder itself in .venv: its path, its name and version, and the command `larder`. Standard library only, and no network.

Three small files do what `pip install --editable` does, without a build, in no time, and anew when the checkout has moved.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tomllib
from pathlib import Path

from contract import VERSION

# A path with spaces, or a long one, can't follow #!. So sh reads the second line as a command, and Python as a text.
SCRIPT = """#!/bin/sh
'''exec' {python} "$0" "$@"
' '''
import sys

from {module} import {function}

sys.exit({function}())
"""


def install(root: Path, venv: Path) -> None:
    """Put the checkout `root` on the path of `venv`, and `larder` beside its Python; what is there already is not written again."""
    about = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version, entry = str(about["name"]), VERSION, str(about["scripts"]["larder"])
    module, _, function = entry.partition(":")
    for packages in venv.glob("lib/python3.*/site-packages"):
        described = packages / f"{name}-{version}.dist-info"
        for other in packages.glob(f"{name}-*.dist-info"):
            if other != described:
                shutil.rmtree(other)
        described.mkdir(exist_ok=True)
        _write(packages / f"{name}.pth", f"{root}\n")
        _write(described / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {about['description']}\n")
        _write(described / "INSTALLER", "make\n")
        _write(described / "entry_points.txt", f"[console_scripts]\nlarder = {entry}\n")
    python = shlex.quote(str(venv / "bin" / "python"))
    _write(venv / "bin" / "larder", SCRIPT.format(python=python, module=module, function=function), mode=0o755)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Whole or not at all: another command may read it now."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)
