"""Whether a file is the one that was read: by what the file system says of it, by its ends, and by all its bytes where it is too young."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

YOUNG_S = 2.0  # a file that has just been written may change again within one tick of the clock of its file system
_END = 1 << 16  # bytes


def identity(path: Path, now: float | None = None) -> dict[str, Any] | None:
    """What tells a file from what it was; None for what is not a file. Raises OSError."""
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        ends = hashlib.blake2b(file.read(_END))
        file.seek(max(0, about.st_size - _END))
        ends.update(file.read(_END))
        found = {
            "size": about.st_size,
            "mtime": about.st_mtime_ns,
            "ctime": about.st_ctime_ns,
            "inode": about.st_ino,
            "ends": ends.hexdigest(),
        }
        if (time.time() if now is None else now) - max(about.st_mtime, about.st_ctime) < YOUNG_S:
            found["digest"] = _digest(path)
    return found


def same(path: Path, kept: dict[str, Any]) -> bool:
    """Whether a file is as it was when `kept` was its identity."""
    try:
        found = identity(path)
    except OSError:
        return False
    if found is None or any(found[name] != kept[name] for name in ("size", "mtime", "ctime", "inode", "ends")):
        return False
    return "digest" not in kept or kept["digest"] == (found.get("digest") or _digest(path))


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
