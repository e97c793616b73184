"""Made-up interactions: exact in number, the same on every machine, and of a realistic shape."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import polars as pl
import pytest

from contract.errors import DataError
from trainer.sources import synthetic

PINNED = {"user": 1073159599, "item": 3912271365, "weight": 209930446, "time": 3943504334}


@pytest.mark.parametrize("shape", ["1x10x5", "7x100x35", "50x60x1500", "300x200x9000", "20x17x100"])
def test_exactly_as_many_unique_pairs_as_asked_for(shape: str) -> None:
    n_users, n_items, n = map(int, shape.split("x"))
    frame = synthetic.load(f"synthetic:{shape}")
    assert frame.height == n == frame.select("user", "item").n_unique()
    assert frame["user"].unique().sort().to_list() == list(range(1, n_users + 1))
    assert frame["item"].is_between(1, n_items).all()
    assert set(frame["weight"].unique()) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert frame["time"].min() >= synthetic.EPOCH  # type: ignore[operator]
    assert [str(dtype) for dtype in frame.dtypes] == ["Int32", "Int32", "Float32", "Int64"]


def test_users_have_a_few_interactions_at_the_least_and_half_of_the_items_at_the_most() -> None:
    counts = synthetic.load("synthetic:300x40x3000").group_by("user").len()["len"]
    assert counts.min() >= synthetic.FEWEST  # type: ignore[operator]
    assert counts.max() <= 20  # type: ignore[operator]


def test_bytes_do_not_change() -> None:
    """Whoever changes them changes what the benchmarks measured."""
    frame = synthetic.load("synthetic:200x300x4000")
    checksums = {name: crc32(frame[name].to_numpy().tobytes()) for name in frame.columns}
    assert checksums == PINNED
    assert frame.equals(synthetic.load("synthetic:200x300x4000"))


def test_a_few_items_have_most_of_the_interactions() -> None:
    counts = np.sort(synthetic.load("synthetic:1000x500x30000").group_by("item").len()["len"].to_numpy())[::-1]
    assert counts[:50].sum() > 0.4 * 30_000


def test_users_keep_to_the_taste_of_their_cluster() -> None:
    """Users of the same cluster share more items than users of different ones."""
    frame = synthetic.load("synthetic:320x800x9600")
    matrix = np.zeros((320, 800))
    matrix[frame["user"].to_numpy() - 1, frame["item"].to_numpy() - 1] = 1
    common = matrix @ matrix.T
    cluster = np.arange(320) % synthetic.CLUSTERS
    same = cluster[:, None] == cluster[None, :]
    np.fill_diagonal(same, False)
    other = cluster[:, None] != cluster[None, :]
    assert common[same].mean() > 1.5 * common[other].mean()


def test_events_of_a_user_follow_each_other() -> None:
    frame = synthetic.load("synthetic:50x60x1000").with_columns(pl.col("time").diff().over("user").alias("pause"))
    assert frame["pause"].drop_nulls().is_between(1, 7200).all()


@pytest.mark.parametrize(
    "source",
    [
        "synthetic:",
        "synthetic:10x10",
        "synthetic:10x10x10x10",
        "synthetic:10x10x-50",
        "synthetic:axbxc",
        "synthetic:10x10x50 ",
        "synthetic:0x10x0",
        "synthetic:10x0x50",
        "synthetic:10x100x49",
        "synthetic:10x100x501",
    ],
)
def test_impossible_shapes_are_refused(source: str) -> None:
    with pytest.raises(DataError, match=r"^synthetic:.*(USERSxITEMSxINTERACTIONS|users can have)"):
        synthetic.load(source)
