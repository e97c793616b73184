"""Rows of users on their way to the blocks of items that they touch, many in one pack: a row of Spark costs more than a row of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from engine.arrays import Array


class Pack(NamedTuple):
    """Whole rows of users who have an item of the block: lengths int32, item_idx int32."""

    block: int
    lengths: Array
    item_idx: Array


def packs(indptr: Array, indices: Array, ends: Array) -> Iterator[Pack]:
    """Each row into the pack of every block that it has an item of. `ends`: of blocks of items, from 0 on; item_idx rise within a row."""
    widths = np.diff(indptr)
    owner = np.repeat(np.arange(widths.size), widths)
    block = np.searchsorted(ends, indices, side="right") - 1
    first = np.append(True, (owner[1:] != owner[:-1]) | (block[1:] != block[:-1]))[: indices.size]
    users, blocks = owner[first], block[first]
    order = np.argsort(blocks, kind="stable")
    users, blocks = users[order], blocks[order]
    for some in np.split(np.arange(users.size), np.flatnonzero(blocks[1:] != blocks[:-1]) + 1):
        if some.size:
            taken = users[some]
            lengths = widths[taken]
            starts = np.repeat(indptr[taken] - np.cumsum(lengths) + lengths, lengths)
            yield Pack(int(blocks[some[0]]), lengths.astype(np.int32), indices[starts + np.arange(starts.size)])


def rows_of(found: Iterable[tuple[bytes, bytes]]) -> tuple[Array, Array]:
    """indptr int64 and indices int32 of all rows in packs, given as the bytes of their lengths and of their item_idx."""
    parts = [(np.frombuffer(lengths, np.int32), np.frombuffer(items, np.int32)) for lengths, items in found]
    widths = np.concatenate([lengths for lengths, _ in parts]) if parts else np.empty(0, np.int32)
    indices = np.concatenate([items for _, items in parts]) if parts else np.empty(0, np.int32)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(widths, dtype=np.int64))), indices


def n_blocks(n_interactions: int, n_users: int, n_cores: int, block_bytes: int) -> int:
    """Four blocks a core, and more where the rows of a block would be above `block_bytes`.

    A row goes to as many blocks as it has items, at the most: with B blocks, n · min(width, B) item_idx go to all of them.
    """
    width = n_interactions / max(n_users, 1)
    return max(4 * n_cores, int(4 * n_interactions * width / block_bytes) if 4 * n_interactions > block_bytes else 1)
