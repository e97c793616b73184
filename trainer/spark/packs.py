"""Rows of users on their way to the blocks of items that they touch, many in one pack: a row of Spark costs more than a row of ours.

Rows are CSR, an indptr and one or more columns: item_idx, rising within a row, and what else there is of a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.arrays import Array

Columns = tuple[Array, ...]


class Pack(NamedTuple):
    """Whole rows of users who have an item of the block: lengths int32, and the columns."""

    block: int
    lengths: Array
    columns: Columns


def packs(indptr: Array, columns: Columns, ends: Array) -> Iterator[Pack]:
    """Each row into the pack of every block that it has an item of. `ends`: of blocks of items, from 0 on."""
    indices = columns[0]
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
            places = starts + np.arange(starts.size)
            yield Pack(int(blocks[some[0]]), lengths.astype(np.int32), tuple(column[places] for column in columns))


def rows_of(found: Iterable[tuple[bytes, Sequence[bytes]]], kinds: Sequence[str]) -> tuple[Array, Columns]:
    """indptr int64 and columns of all rows in packs, given as the bytes of their lengths and of their columns, whose dtypes are `kinds`."""
    parts = [(np.frombuffer(lengths, np.int32), columns) for lengths, columns in found]
    widths = np.concatenate([np.empty(0, np.int32), *(lengths for lengths, _ in parts)])
    columns = tuple(
        np.concatenate([np.empty(0, kind), *(np.frombuffer(columns[at], kind) for _, columns in parts)]) for at, kind in enumerate(kinds)
    )
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(widths, dtype=np.int64))), columns


def n_blocks(n_interactions: int, n_users: int, n_cores: int, pair_bytes: int, block_bytes: int) -> int:
    """Four blocks a core, and more where the rows of a block would be above `block_bytes`. `pair_bytes`: of all columns.

    A row goes to as many blocks as it has items, at the most: with B blocks, n · min(width, B) pairs go to all of them.
    """
    width, n_bytes = n_interactions / max(n_users, 1), pair_bytes * n_interactions
    return max(4 * n_cores, int(n_bytes * width / block_bytes) if n_bytes > block_bytes else 1)
