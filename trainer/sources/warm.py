"""Compiled loops of incremental reading, loaded before the first run needs them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from trainer.interactions.interactions import from_frames
from trainer.kept.digest import digest
from trainer.kept.packed import is_whole, read_packed, write_packed

_MANY = 1 << 17  # users: more than 16 bits have


def warm() -> None:
    """Keep and read rows of every type that files of rows have."""
    digest(b"rows")
    with tempfile.TemporaryDirectory(prefix="larder-warm-") as folder:
        for n_users in (3, _MANY):
            ids = np.arange(_MANY, dtype=np.int64) % n_users
            frame = pl.DataFrame({"user": ids, "item": ids, "weight": np.ones(_MANY, np.float32), "time": ids})
            path = Path(folder) / f"{n_users}.rows"
            said = write_packed(path, frame)
            is_whole(path, said)
            packed = read_packed(path, said)
            from_frames([packed, packed], "warming up")
            from_frames([packed.frame()], "warming up")
