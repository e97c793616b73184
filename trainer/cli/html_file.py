"""The file that a command writes its page into: looked at before the work, so that nobody waits for a page that can't be written."""

from __future__ import annotations

import os
from pathlib import Path

from contract.errors import TargetError


def check_writable(file: Path) -> None:
    """Raises TargetError where the file could not be written."""
    if not file.parent.is_dir():
        raise TargetError(f"{file}: there is no folder {file.parent}; make it, or name another file")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise TargetError(f"{file} can't be written: permission denied; name another file")


def write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise TargetError(f"{file} can't be written: {error.strerror}") from None
