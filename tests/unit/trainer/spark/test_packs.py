"""Rows of users on their way to blocks of items."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from engine.arrays import Array
from engine.fit.part import SomeRows
from trainer.spark import parts
from trainer.spark.packs import n_blocks, packs, rows_of
from trainer.spark.parts import clear, read_part, read_rows, write_part, write_rows

GIB = 2**30


def csr(rows: list[list[int]]) -> tuple[Array, Array]:
    return np.cumsum([0, *map(len, rows)]), np.array([item for row in rows for item in row], np.int32)


def as_lists(indptr: Array, indices: Array) -> list[list[int]]:
    return [part.tolist() for part in np.split(indices, indptr[1:-1])]


def sent(rows: list[list[int]], ends: list[int]) -> dict[int, list[list[int]]]:
    """Item_idx by block; the other column, of item_idx / 2, must have come with them."""
    indptr, indices = csr(rows)
    found = {}
    for pack in packs(indptr, (indices, indices.astype(np.float32) / 2), np.array(ends)):
        in_bytes = (pack.lengths.tobytes(), [column.tobytes() for column in pack.columns])
        ends_of_rows, (items, others) = rows_of([in_bytes], ["int32", "float32"])
        assert (items == 2 * others).all()
        found[pack.block] = as_lists(ends_of_rows, items)
    return found


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
    indptr, columns = rows_of([], ["int16", "float32"])
    assert (indptr.tolist(), [column.dtype.name for column in columns]) == ([0], ["int16", "float32"])


def test_packs_are_put_together() -> None:
    two = [(np.array([1, 2], np.int32).tobytes(), [np.array([3, 4, 5], np.int16).tobytes()])] * 2
    indptr, (items,) = rows_of(two, ["int16"])
    assert as_lists(indptr, items) == [[3], [4, 5], [3], [4, 5]]


def test_rows_in_files_come_back(tmp_path: Path) -> None:
    rows = [[1, 2], [], [0], [0, 1, 2, 3], [5]]
    indptr, items = csr(rows)
    n_files = write_rows(tmp_path, indptr, (items, items * np.float32(2)), 3)
    assert n_files > 1
    found = [read_rows(tmp_path, at, 2) for at in range(n_files)]
    assert [row for ends, (part, _) in found for row in as_lists(ends, part)] == rows
    assert all((doubled == 2 * part).all() for _, (part, doubled) in found)


@pytest.mark.parametrize(("n_pairs", "n_files"), [(3, 2), (8, 2), (9, 4), (20, 6)])
def test_cores_get_as_many_files_each(n_pairs: int, n_files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FILE_PAIRS", 4)
    assert write_rows(tmp_path, np.arange(n_pairs + 1), (np.zeros(n_pairs, np.int32),), 2) == n_files


def test_each_try_of_a_task_writes_a_part_of_its_own(tmp_path: Path) -> None:
    first, second = (write_part(tmp_path, 4, [SomeRows(np.array([n]), np.empty(0, np.int32), np.zeros((2, n)))]) for n in (1, 2))
    assert first != second
    assert (read_part(tmp_path, first).values.shape, read_part(tmp_path, second).lengths.tolist()) == ((2, 1), [2])
    clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_part_are_written_as_they_come(tmp_path: Path) -> None:
    some = [SomeRows(np.full(n, n), np.arange(n, dtype=np.int32), np.full((n, 3), n / 2)) for n in (2, 0, 5)]
    found = read_part(tmp_path, write_part(tmp_path, 1, iter(some)))
    assert [array.tolist() for array in found] == [np.concatenate(arrays).tolist() for arrays in zip(*some, strict=True)]
    assert [array.dtype.name for array in found] == ["int64", "int32", "float64"]


def test_blocks_are_as_many_as_cores_want_and_as_small_as_memory_wants() -> None:
    assert n_blocks(100_000, 1000, 2, 4, GIB // 4) == 8
    assert n_blocks(20_000_000, 138_000, 2, 4, GIB // 4) == 8
    assert n_blocks(1_000_000_000, 10_000_000, 16, 4, GIB // 4) == 1490
    assert n_blocks(1_000_000_000, 10_000_000, 16, 8, GIB // 4) == 2980
