"""Once it is warm, incremental reading compiles nothing: asked of a process that has read nothing before, with a cache of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

READS = """
import sys
from pathlib import Path
import numpy as np, polars as pl
from trainer.interactions import indexing_kernels
from trainer.interactions.interactions import from_frames
from trainer.kept import digest_kernels, packed_kernels
from trainer.kept.digest import digest
from trainer.kept.packed import is_whole, read_packed, write_packed
from trainer.sources.warm import warm

def compiled():
    kernels = [*vars(indexing_kernels).values(), *vars(packed_kernels).values(), *vars(digest_kernels).values()]
    return {one.__qualname__: sum(one.stats.cache_misses.values()) for one in kernels if hasattr(one, "signatures")}

warm()
before = compiled()
digest(b'a' * 100, 7)
for n_users in (5, 90_000):
    users = np.arange(100_000) % n_users
    frame = pl.DataFrame({"user": users, "item": users % 7, "weight": (1 + users % 3).astype(np.float32), "time": users})
    said = write_packed(Path(sys.argv[1]), frame)
    assert is_whole(Path(sys.argv[1]), said)
    packed = read_packed(Path(sys.argv[1]), said)
    from_frames([packed, frame], "a test")
assert compiled() == before, (before, compiled())
"""


def test_once_warm_nothing_is_compiled_by_reading(tmp_path: Path) -> None:
    environ = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", READS, str(tmp_path / "rows")], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
