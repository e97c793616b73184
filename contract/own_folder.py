"""A folder for the files of one process, with a lock beside it while that lives; what is left of the killed is removed by the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_OURS, _LOCK = "larder-", ".lock"  # nothing else in the place is looked at: it may be one that others use, too


class OwnFolder:
    """`shared`: other users of the same group may write into it, too. Raises OSError."""

    def __init__(self, base: Path, *, shared: bool = False) -> None:
        base.mkdir(parents=True, exist_ok=True)
        for left in base.glob(f"{_OURS}*{_LOCK}"):
            _remove_if_left(left)
        self._lock, self._lock_file = _locked(base)
        self.path = self._lock_file.with_suffix("")
        self.path.mkdir(0o700)
        self.path.chmod(0o770 if shared else 0o700)

    def remove(self) -> None:
        _remove(self._lock_file)
        os.close(self._lock)


def _locked(base: Path) -> tuple[int, Path]:
    """A new file, and the lock on it."""
    while True:
        lock, name = tempfile.mkstemp(_LOCK, _OURS, base)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return lock, Path(name)
        os.close(lock)  # another process has taken it for one that was left, before it was locked


def _remove_if_left(lock_file: Path) -> None:
    """Remove a folder whose process has ended."""
    with suppress(OSError):
        lock = os.open(lock_file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock_file)
        finally:
            os.close(lock)


def _remove(lock_file: Path) -> None:
    """Where something is written into the folder meanwhile, the lock's file stays, so that the next process tries again."""
    folder = lock_file.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        lock_file.unlink(missing_ok=True)
