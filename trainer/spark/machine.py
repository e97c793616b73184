"""What Spark needs of the machine, told before it is started: its package, and a Java."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from contract.errors import SettingsError
from contract.settings.drivers import how_to_install

LEAST_JAVA = 17
_VERSION = re.compile(r'version "(\d+)')
_PATIENCE_S = 30


def check(environ: Mapping[str, str] = os.environ) -> None:
    """Raises SettingsError for what is not there."""
    if missing := how_to_install("spark"):
        raise SettingsError(f"the engine spark: {missing}")
    home = environ.get("JAVA_HOME", "")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environ.get("PATH")) or ""
    said = f"JAVA_HOME is {home}" if home else "JAVA_HOME is not set, and no java is on PATH" if not java else f"{java} is on PATH"
    version = _version(java) if java else 0
    if version < LEAST_JAVA:
        found = f", which is Java {version}" if version else ", where no java runs" if java else ""
        raise SettingsError(
            f"Spark needs a JDK {LEAST_JAVA} or newer; {said}{found}: install one (apt install openjdk-17-jre-headless), "
            "or name its folder by JAVA_HOME"
        )


def _version(java: str) -> int:
    """0: it does not run."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 (what PATH or JAVA_HOME names)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(told.stderr + told.stdout)
    return int(found[1]) if found else 0
