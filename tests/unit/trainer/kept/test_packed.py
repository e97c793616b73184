"""Rows as arrays that are mapped into memory: they come back as they were, and damage is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from trainer.kept.packed import Coded, can_be_packed, is_whole, read_packed, write_packed

RNG = np.random.default_rng(5)
TOP = 2**63 - 1


def frame_of(user: Any, item: Any, weight: Any, time: Any = None) -> pl.DataFrame:
    columns = {"user": np.array(user, np.int64), "item": np.array(item, np.int64), "weight": np.array(weight, np.float32)}
    return pl.DataFrame(columns | ({} if time is None else {"time": np.array(time, np.int64)}))


FRAMES = {
    "few": frame_of([5, 5, 2], [1, 2, 3], [1, 2, 1], [7, 8, 9]),
    "one": frame_of([5], [1], [1]),
    "ends": frame_of([TOP, -TOP - 1, 0], [0, 0, 0], [1, -1, 2], [-(2**40), 2**40, 0]),
    "zeros": frame_of([1, 2], [3, 4], [0.0, -0.0]),
    "many weights": frame_of(range(5000), [7] * 5000, RNG.random(5000)),
    "late weights": frame_of(range(5000), [7] * 5000, [1.0] * 4999 + [2.5]),
    "more users than 16 bits have": frame_of(range(70_000), RNG.integers(0, 9, 70_000), [1.0] * 70_000, range(70_000)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_rows_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    frame = FRAMES[name]
    assert can_be_packed(frame)
    said = write_packed(tmp_path / "rows", frame)
    assert is_whole(tmp_path / "rows", said)
    packed = read_packed(tmp_path / "rows", said)
    found = packed.frame()
    assert found.schema == frame.schema
    assert packed.columns == frame.columns
    assert [column.to_numpy().tobytes() for column in found] == [column.to_numpy().tobytes() for column in frame]
    assert packed.user.values.tolist() == sorted(set(frame["user"]))
    assert packed.lightest == frame["weight"].min()


def test_other_rows_are_not_packed() -> None:
    texts = FRAMES["few"].with_columns(pl.col("user").cast(pl.String))
    more = FRAMES["few"].with_columns(event=pl.lit("buy"))
    infinite = frame_of([1], [2], [np.inf])
    for frame in (texts, more, infinite, FRAMES["few"].head(0), FRAMES["few"].with_columns(user=pl.lit(None, pl.Int64))):
        assert not can_be_packed(frame)


def test_any_damage_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    said = write_packed(path, FRAMES["more users than 16 bits have"])
    data = path.read_bytes()
    for at in (0, 9, len(data) // 2, len(data) - 9):
        path.write_bytes(data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :])
        assert not is_whole(path, said)
    path.write_bytes(data[8:16] + data[:8] + data[16:])
    assert not is_whole(path, said)
    path.write_bytes(data[:-8])
    assert not is_whole(path, said)
    path.write_bytes(data)
    assert is_whole(path, said)


def test_a_code_without_a_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="stands for no value"):
        Coded(np.array([1, 2]), np.array([0, 2], np.uint16)).whole()
