"""Rows of users on their way to blocks of items."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from engine.arrays import Array
from engine.fit.part import SomeRows
from trainer.spark.packs import n_blocks, packs, rows_of
from trainer.spark.parts import clear, read_part, read_rows, write_part, write_rows

GIB = 2**30


def csr(rows: list[list[int]]) -> tuple[Array, Array]:
    return np.cumsum([0, *map(len, rows)]), np.array([item for row in rows for item in row], np.int32)


def as_lists(indptr: Array, indices: Array) -> list[list[int]]:
    return [part.tolist() for part in np.split(indices, indptr[1:-1])]


def sent(rows: list[list[int]], ends: list[int]) -> dict[int, list[list[int]]]:
    found = packs(*csr(rows), np.array(ends))
    return {pack.block: as_lists(*rows_of([(pack.lengths.tobytes(), pack.item_idx.tobytes())])) for pack in found}


def test_a_row_goes_to_each_block_that_it_touches_once() -> None:
    rows = [[0, 1, 5], [2], [], [3, 4, 5], [1, 3]]
    assert sent(rows, [0, 2, 5, 6]) == {0: [[0, 1, 5], [1, 3]], 1: [[2], [3, 4, 5], [1, 3]], 2: [[0, 1, 5], [3, 4, 5]]}


def test_many_rows() -> None:
    rng = random.Random(7)
    rows = [sorted(rng.sample(range(60), rng.randrange(12))) for _ in range(300)]
    ends = [0, 3, 20, 21, 60]
    expected = {
        block: [row for row in rows if any(ends[block] <= item < ends[block + 1] for item in row)] for block in range(len(ends) - 1)
    }
    assert sent(rows, ends) == expected


def test_nobody_has_anything() -> None:
    assert sent([[], []], [0, 4]) == {}
    assert as_lists(*rows_of([])) == [[]]


def test_packs_are_put_together() -> None:
    two = [(np.array([1, 2], np.int32).tobytes(), np.array([3, 4, 5], np.int32).tobytes())] * 2
    assert as_lists(*rows_of(two)) == [[3], [4, 5], [3], [4, 5]]


def test_rows_in_files_come_back(tmp_path: Path) -> None:
    rows = [[1, 2], [], [0], [0, 1, 2, 3], [5]]
    n_files = write_rows(tmp_path, *csr(rows), 3)
    assert n_files > 1
    assert [row for at in range(n_files) for row in as_lists(*read_rows(tmp_path, at))] == rows


def test_each_try_of_a_task_writes_a_part_of_its_own(tmp_path: Path) -> None:
    first, second = (write_part(tmp_path, 4, SomeRows(np.array([n]), np.empty(0, np.int32), np.zeros((2, n)))) for n in (1, 2))
    assert first != second
    assert (read_part(tmp_path, first).values.shape, read_part(tmp_path, second).lengths.tolist()) == ((2, 1), [2])
    clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_blocks_are_as_many_as_cores_want_and_as_small_as_memory_wants() -> None:
    assert n_blocks(100_000, 1000, 2, GIB // 4) == 8
    assert n_blocks(20_000_000, 138_000, 2, GIB // 4) == 8
    assert n_blocks(1_000_000_000, 10_000_000, 16, GIB // 4) == 1490
