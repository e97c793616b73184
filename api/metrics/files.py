"""The folder of the workers' counts: one file for all workers that have ended, and no folder of a gunicorn that was killed.

Imports no prometheus_client by itself, which looks for the folder's name when it is imported.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

PREFIX = "larder-metrics-"
_LOCK = "lock"
_SUMS = ("counter", "histogram")


def make_folder(parent: str | None) -> Path:
    """A new one, locked for as long as this process or one that it forks lives; those that nobody has locked are removed."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(folder / f"{_LOCK}.new", os.O_CREAT | os.O_RDWR, 0o600)  # never closed, so that the end of the process unlocks it
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / f"{_LOCK}.new").replace(folder / _LOCK)
    for other in folder.parent.glob(f"{PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # not ours, or gone already
            _remove_if_left(other)
    return folder


def _remove_if_left(lock: Path) -> None:
    opened = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent)
    finally:
        os.close(opened)


def fold(folder: Path, process: int) -> None:
    """Add the counts of a worker that has ended to those of the others: without them, totals would fall, and rates be wrong."""
    from prometheus_client.mmap_dict import MmapedDict

    for kind in _SUMS:
        ended, theirs = folder / f"{kind}_ended.db", folder / f"{kind}_{process}.db"
        if not theirs.exists():
            continue
        sums: defaultdict[str, float] = defaultdict(float)
        for file in (ended, theirs):
            if file.exists():
                for key, value, _time, _at in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                    sums[key] += value
        new = folder / f"{kind}_ended.new"
        new.unlink(missing_ok=True)
        written = MmapedDict(str(new))  # type: ignore[no-untyped-call]
        for key, value in sums.items():
            written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        written.close()  # type: ignore[no-untyped-call]
        new.replace(ended)
        theirs.unlink()
