"""Compiled loops of reading, loaded before the first run needs them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from trainer.interactions.interactions import from_frames
from trainer.kept.digest import digest
from trainer.kept.packed import is_whole, read_packed, write_packed
from trainer.sources.text.digit_kernels import all_canonical
from trainer.sources.text.plain_numbers import n_newlines, parse

_MANY = 1 << 17  # users: more than 16 bits have


def warm() -> None:
    """Parse rows of numbers; keep and read rows of every type that files of rows have."""
    row = b"1,2,3\n"
    digest(row)
    all_canonical(row, ",")
    n_newlines(np.frombuffer(row, np.uint8))
    parse(row, 1, ",", 3, {0, 1}, {2})
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
