"""A folder for the files of a fit, locked while its process lives; what killed processes have left is removed by the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from contract.errors import SettingsError

_LOCK = "lock"


class OwnFolder:
    """`shared`: executors may be other users of the same group, who write into it too."""

    def __init__(self, base: Path, *, shared: bool) -> None:
        try:
            base.mkdir(parents=True, exist_ok=True)
            for left in base.iterdir():
                _remove_if_left(left)
            self.path = Path(tempfile.mkdtemp(dir=base))
            self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.path.chmod(0o770 if shared else 0o700)
        except OSError as error:
            raise SettingsError(
                f"Spark's folder {base} can't be used: {error.strerror}: make it, or name another by LARDER_SPARK_FOLDER"
            ) from None

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose process has ended. One that has no lock is another's, or has just been made."""
    with suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
