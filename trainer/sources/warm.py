"""Compiled loops of reading, loaded before the first run needs them.

Not a frame of polars is made in the service's own process: polars starts threads for that, a fork has none of them, and a run there
would wait for them for ever. Loops that take frames are compiled into the cache by a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
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
    """Parse rows of numbers here; keep and read rows of every type that files of rows have, elsewhere."""
    row = b"1,2,3\n"
    digest(row)
    all_canonical(row, ",")
    n_newlines(np.frombuffer(row, np.uint8))
    parse(row, 1, ",", 3, {0, 1}, {2})
    with tempfile.TemporaryDirectory(prefix="larder-warm-") as folder:
        frames = multiprocessing.get_context("fork").Process(target=_keep_frames, args=(Path(folder),))
        frames.start()
        frames.join()
        for path in sorted(Path(folder).glob("*.rows")):
            packed = read_packed(path, json.loads(path.with_suffix(".json").read_text()))
            from_frames([packed, packed], "warming up")


def _keep_frames(folder: Path) -> None:
    """Keep rows with few users and with many, and read them as frames, too."""
    for n_users in (3, _MANY):
        ids = np.arange(_MANY, dtype=np.int64) % n_users
        frame = pl.DataFrame({"user": ids, "item": ids, "weight": np.ones(_MANY, np.float32), "time": ids})
        path = folder / f"{n_users}.rows"
        said = write_packed(path, frame)
        is_whole(path, said)
        from_frames([read_packed(path, said).frame()], "warming up")
        path.with_suffix(".json").write_text(json.dumps(said))
