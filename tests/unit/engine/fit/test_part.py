"""Some rows of a similarity from some users' rows: together they are the whole one, byte for byte."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest

from contract.settings.settings import ModelSettings, Similarity
from engine.arrays import Array
from engine.blocks import cuts
from engine.fit import counting_kernels, popular
from engine.fit.part import Part
from engine.fit.rows import Rows
from engine.fit.similarity import Similarity as Whole
from tests.support.models.fitting import LAYOUTS, Layout, Memory, interactions_of, rows_of
from tests.support.models.samples import many


def users_of(rows: Rows, start: int, end: int) -> tuple[Array, Array]:
    """The rows of users who have one of these items."""
    kept = [at for at, part in enumerate(np.split(rows.indices, rows.indptr[1:-1])) if ((part >= start) & (part < end)).any()]
    found = [rows.indices[rows.indptr[at] : rows.indptr[at + 1]] for at in kept]
    return np.cumsum([0, *(part.size for part in found)]), np.concatenate([np.empty(0, np.int32), *found])


def in_parts(rows: Rows, n_items: int, model: ModelSettings, layout: Layout, n_parts: int) -> dict[str, Array]:
    frequencies = np.bincount(rows.indices, minlength=n_items)
    parts = [
        Part(*users_of(rows, start, end), frequencies, start, end, model).rows(layout)
        for start, end in pairwise(cuts(frequencies, n_parts).tolist())
    ]
    if layout == "dense":
        return {"similarity": np.concatenate([part.values for part in parts], axis=1)}
    lengths, item_idx, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return {"similarity_indptr": np.append(0, np.cumsum(lengths)), "similarity_indices": item_idx, "similarity_data": values}


def whole(rows: Rows, n_items: int, model: ModelSettings, layout: Layout) -> Memory:
    memory, fit = Memory(), Whole(rows.indptr, rows.indices, n_items, model)
    fill = fit.neighbors if model.neighbors else fit.dense if layout == "dense" else fit.sparse
    fill(memory.allocate, 1, lambda _done, _total: None)
    return memory


def assert_same(rows: Rows, n_items: int, model: ModelSettings, layout: Layout, n_parts: int) -> None:
    parts, expected = in_parts(rows, n_items, model, layout, n_parts), whole(rows, n_items, model, layout)
    assert {name: array.tobytes() for name, array in parts.items()} == {name: array.tobytes() for name, array in expected.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_parts", [1, 5])
@pytest.mark.parametrize("name", get_args(Similarity))
def test_parts_make_the_whole(name: Any, n_parts: int, layout: Layout) -> None:
    model, interactions = ModelSettings(similarity=name, threshold=2), interactions_of(many())
    assert_same(rows_of(interactions, model), len(interactions.item_ids), model, layout, n_parts)


@pytest.mark.parametrize("n_parts", [1, 7])
def test_nearest_neighbors_in_parts(n_parts: int) -> None:
    model, interactions = ModelSettings(neighbors=9), interactions_of(many())
    assert_same(rows_of(interactions, model), len(interactions.item_ids), model, "sparse", n_parts)


def test_popular_items_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every item counted by bit sets, in blocks that do not end where a part's items do."""
    monkeypatch.setattr(popular, "PER_BIT_WORD", 1e-9)
    monkeypatch.setattr(counting_kernels, "BLOCK", 4)
    model, interactions = ModelSettings(neighbors=9), interactions_of(many())
    assert_same(rows_of(interactions, model), len(interactions.item_ids), model, "sparse", 6)
    assert_same(rows_of(interactions, model), len(interactions.item_ids), ModelSettings(), "dense", 6)


def test_items_that_nobody_has() -> None:
    model, interactions = ModelSettings(neighbors=3), interactions_of(many())
    rows, n_items = rows_of(interactions, model), len(interactions.item_ids)
    assert_same(rows, n_items + 20, model, "sparse", n_items + 20)


def test_cuts_are_of_about_equal_work() -> None:
    assert cuts(np.array([100, 1, 1, 1, 1, 96]), 2).tolist() == [0, 2, 6]
    assert cuts(np.array([5, 5, 5, 5]), 2).tolist() == [0, 1, 4]
    assert cuts(np.array([3, 4]), 100).tolist() == [0, 1, 2]
