"""This process on its machine: what it may use, when it ends, and how what it writes is kept."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def n_cores() -> int:
    """Cores that this process may use: less than the machine has under taskset or in a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk: one that was renamed before is there after a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def die_with_parent() -> None:
    """On Linux, let this process be killed when its parent dies, so that no orphan works on. It ends if that has just happened."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
