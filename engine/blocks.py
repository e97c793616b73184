"""Work over all items in blocks of about equal cost, by threads of our own; and pages of mapped arrays given back on the way."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import pairwise

import numpy as np

from engine.arrays import Array, Report

_BLOCKS = 256  # of items, between the threads
RELEASE_EVERY = 8  # blocks


def cuts(load: Array, n_parts: int) -> Array:
    """Ends of at most `n_parts` ranges of items of about equal `load`, shape (n_items,), from 0 to all, int64."""
    share = np.cumsum(load + load.mean())
    inner = np.searchsorted(share, np.linspace(0, share[-1], n_parts + 1)[1:-1])
    return np.unique(np.concatenate(([0], inner, [load.size]))).astype(np.int64)


def in_blocks(work: Callable[[int, int], object], load: Array, threads: int, report: Report | None = None) -> None:
    """Call `work` with the start and the end of each block of items. `load`: cost by item, shape (n_items,).

    What a block computes must not depend on the others. Threads are ours, since Numba's own do not survive the fork of an RQ work-horse.
    """
    blocks = list(pairwise(cuts(load, _BLOCKS).tolist()))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for done, future in enumerate(as_completed([pool.submit(work, *block) for block in blocks]), start=1):
            future.result()
            if report is not None:
                report(done, len(blocks))


def release(array: Array) -> None:
    """Give the pages of a mapped file back to the page cache: what is written stays, and no longer counts as this process' memory."""
    mapped: object = array.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
