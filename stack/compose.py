"""The other stack: the same four parts as containers. Only asked here, never started."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.settings.command_hints import CALLED_AS, as_called

FILE = "docker-compose.yml"
ASK_TIMEOUT_S = 20


def running_services(root: Path) -> list[str]:
    """Names of this project's services whose containers run; empty without Docker, its engine or the compose plugin."""
    if shutil.which("docker") is None or not (root / FILE).exists():
        return []
    try:
        answer = subprocess.run(
            ["docker", "compose", "ps", "--services", "--status", "running"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=ASK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(answer.stdout.split()) if answer.returncode == 0 else []


def in_trainer(root: Path, arguments: Sequence[str]) -> int:
    """Run `larder ...` in the trainer's container; its exit code."""
    without_terminal = () if sys.stdin.isatty() and sys.stdout.isatty() else ("-T",)
    command = ["docker", "compose", "exec", *without_terminal, "-e", f"{CALLED_AS}={as_called()}", "trainer", "larder", *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode


def call(root: Path, arguments: Sequence[str]) -> int:
    """Run `docker compose ...` of this project on this terminal; its exit code."""
    return subprocess.run(["docker", "compose", *arguments], cwd=root, check=False).returncode
