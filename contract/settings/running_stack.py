"""The stack that `make up` runs in this checkout: its settings, for commands that are called beside it, in any folder.

A command needs the port, the socket of Redis, the folder of artifacts and the secrets that the services got. `make up` keeps them in
var/run, for the user alone who called it; the place of this file says which checkout it is. In containers there is no such folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from contract.settings.settings import PREFIX

VAR = Path(__file__).resolve().parents[2] / "var"
ENVIRONMENT = Path("run") / "environment.json"
PROCESS = Path("run") / "supervisord.pid"
REDIS = f"{PREFIX}REDIS_URL"


def environment_beside(given: Mapping[str, str], var: Path = VAR) -> dict[str, str]:
    """`given`, completed by the settings of the stack that runs with its data in `var`.

    `given` alone where none runs, or where it names a Redis, which says that another stack is meant.
    """
    if REDIS in given or not _runs(var):
        return dict(given)
    try:
        kept: dict[str, str] = json.loads((var / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not ours to read, or being written
        return dict(given)
    return {**kept, **given}


def _runs(var: Path) -> bool:
    try:
        os.kill(int((var / PROCESS).read_text(encoding="ascii")), 0)
    except (OSError, ValueError, OverflowError):
        return False
    return True
