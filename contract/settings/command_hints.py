"""How Larder's command line is called from where its output is read: what a hint says must work as it stands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

CALLED_AS = "CALLED_AS"
"""Variable by which whoever starts a command in a container says how people call it from outside."""
NAME = "larder"


def as_called(*words: str) -> str:
    """`larder WORDS`, with the path that this needs here."""
    return " ".join([_called_as(), *map(shlex.quote, words)])


def _called_as() -> str:
    if given := os.environ.get(CALLED_AS):
        return given
    own = Path(sys.prefix) / "bin" / NAME
    found = shutil.which(NAME)
    if found is not None and (not own.exists() or Path(found).resolve() == own.resolve()):
        return NAME
    if not own.exists():
        return "python -m trainer"
    here = Path.cwd()
    return shlex.quote(str(own.relative_to(here) if own.is_relative_to(here) else own))
