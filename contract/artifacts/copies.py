"""Local copies of artifacts, side by side in one folder: one process works on a copy at a time, and their number is bounded."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.artifacts.object_store import Address, ObjectStore
from contract.errors import ArtifactError

MANIFEST = "manifest.json"
_held: set[tuple[str, str, int]] = set()


@contextmanager
def alone(folder: Path, generation: str) -> Iterator[None]:
    """One process of this host at a time works on the copy. The lock ends with its process, and a thread that has it may take it again."""
    mine = (str(folder), generation, threading.get_ident())
    if mine in _held:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / f".{generation}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ArtifactError(f"{folder} can't hold copies of artifacts: {error.strerror}; set ?cache= in LARDER_ARTIFACTS") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _held.add(mine)
        yield
    finally:
        _held.discard(mine)
        os.close(lock)


def evict(store: ObjectStore, address: Address, kept: str) -> None:
    """Remove copies that the store no longer has as they are, then those that were used longest ago, until the rest fits."""
    copies = [path.parent for path in address.folder.glob(f"[!.]*/{MANIFEST}")]
    n_bytes = 0
    for folder in sorted(copies, key=lambda one: -one.stat().st_mtime):
        size = sum(file.stat().st_size for file in folder.iterdir())
        if folder.name != kept:
            stale = read(folder / MANIFEST) != store.get(f"{folder.name}/{MANIFEST}")
            if (stale or n_bytes + size > address.limit_bytes) and _removed(folder):
                continue
        n_bytes += size


def _removed(folder: Path) -> bool:
    """Remove a copy, unless another process works on it."""
    lock = os.open(folder.with_name(f".{folder.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
