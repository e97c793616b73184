"""This process on its machine: what it may use, when it ends, and how what it writes is kept."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 2**20


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


def give_large_memory_back() -> None:
    """Have this process, and those that it forks, give pieces of memory from 1 MiB on back to the system when they are free.

    glibc's allocator does so until the first of them was freed; then it keeps them, up to 32 MiB each, for others of such a size, and a
    process that has read one revision of the items after another holds two. Where there is another allocator nothing is done.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
