"""Our fit and our scoring on small data, in the layout that a test asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from contract.formats.keys import Id
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import rows as sar
from engine.fit.rows import Rows
from engine.fit.similarity import Similarity
from engine.score.scoring import Scale, TopK, score_users
from trainer.interactions.interactions import Interactions, from_frame

Layout = Literal["dense", "sparse"]
LAYOUTS: tuple[Layout, ...] = ("dense", "sparse")
Event = tuple[Id, Id, float, int]


def interactions_of(events: Iterable[Event], *, times: bool = True) -> Interactions:
    """Interactions of (user, item, weight, time) through the door that all data take."""
    columns = dict(zip(("user", "item", "weight", "time"), map(list, zip(*events, strict=True)), strict=True))
    frame = pl.DataFrame(columns).with_columns(pl.col("weight").cast(pl.Float64))
    return from_frame(frame if times else frame.drop("time"), "a test")


class Memory(dict[str, Array]):
    """Arrays by name; `allocate` makes them as an artifact's writer does, but in memory."""

    def allocate(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        self[name] = np.zeros(shape, dtype)
        return self[name]


def rows_of(interactions: Interactions, model: ModelSettings) -> Rows:
    columns = (interactions.user_idx, interactions.item_idx, interactions.weight, interactions.time)
    return sar.fit_rows(*columns, len(interactions.user_ids), model)


def similarity_of(rows: Rows, n_items: int, model: ModelSettings, layout: Layout, threads: int = 1) -> Memory:
    """The arrays of the similarity in the layout that is asked for, be it the smaller one or not."""
    memory, fit = Memory(), Similarity(rows.indptr, rows.indices, n_items, model)
    fill = fit.dense if layout == "dense" else fit.sparse
    assert fill(memory.allocate, threads, lambda _done, _total: None).layout == layout
    return memory


def lists_of(interactions: Interactions, model: ModelSettings, layout: Layout = "sparse") -> TopK:
    """Lists of all users, in the order of user_idx."""
    rows = rows_of(interactions, model)
    return score_all(rows, similarity_of(rows, len(interactions.item_ids), model, layout), len(interactions.item_ids), model)


def score_all(rows: Rows, similarity: Memory, n_items: int, model: ModelSettings) -> TopK:
    return score_users(
        {**rows.arrays(model.normalize), **similarity},
        0,
        rows.exponent.size,
        Scale(model.normalize, rows.weight_min, rows.weight_max),
        depth=model.stored_depth,
        exclude_seen=model.exclude_seen,
    )


def by_id(interactions: Interactions, top: TopK) -> dict[Id, list[tuple[Id, float]]]:
    """What `top` says in external ids: user -> (item, score), best first."""
    ids: Sequence[Id] = interactions.item_ids
    return {
        user: [(ids[item], float(score)) for item, score in zip(top.items[row, :n], top.scores[row, :n], strict=True)]
        for row, (user, n) in enumerate(zip(interactions.user_ids, top.lengths.tolist(), strict=True))
    }


def matrix_of(similarity: Memory, n_items: int) -> Array:
    """The similarity as a float32 matrix, whatever its layout."""
    if "similarity" in similarity:
        tiles = similarity["similarity"]
        assert not tiles.transpose(1, 0, 2).reshape(n_items, -1)[:, n_items:].any(), "the padding of the last tile holds something"
        return np.ascontiguousarray(tiles.transpose(1, 0, 2).reshape(n_items, -1)[:, :n_items])
    matrix = np.zeros((n_items, n_items), np.float32)
    indptr = similarity["similarity_indptr"]
    for row in range(n_items):
        part = slice(indptr[row], indptr[row + 1])
        assert (np.diff(similarity["similarity_indices"][part]) > 0).all(), "a row of the similarity is out of order"
        matrix[row, similarity["similarity_indices"][part]] = similarity["similarity_data"][part]
    return matrix
