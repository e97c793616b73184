"""Random tables of all sizes: nearest neighbors against whole rows, whole rows against counts, and a part of the rows against all."""

from __future__ import annotations

import numpy as np
import pytest

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import popular
from engine.fit.part import Part
from engine.fit.similarity import Similarity
from engine.fit.similarity_kernels import SIMILARITIES
from tests.support import depth
from tests.support.models.fitting import Memory, matrix_of
from tests.unit.engine.fit.test_neighbors import nearest


def table(generator: np.random.Generator, n_users: int, n_items: int) -> tuple[Array, Array]:
    """Rows of users, indptr and indices, of items that are all alike or far from it."""
    popularity = np.exp(generator.choice([0, 1, 2, 4]) * generator.standard_normal(n_items))
    n = generator.integers(1, 20_000)
    pairs = np.unique(generator.integers(n_users, size=n) * n_items + generator.choice(n_items, n, p=popularity / popularity.sum()))
    indptr = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(pairs // n_items, minlength=n_users), out=indptr[1:])
    return indptr, (pairs % n_items).astype(np.int32)


@depth.deeper
@pytest.mark.parametrize("seed", range(depth.examples(30, 300)))
def test_neighbors_of_random_tables(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(seed)
    n_users, n_items = int(generator.integers(1, 400)), int(generator.integers(1, 1500))
    indptr, indices = table(generator, n_users, n_items)
    monkeypatch.setattr(popular, "PER_BIT_WORD", generator.choice([1e-9, popular.PER_BIT_WORD, 1e9]))  # bit sets for all, some or none
    name, threshold, n = SIMILARITIES[seed % 7], int(generator.choice([1, 2, 3, 6])), int(generator.choice([1, 2, 5, 20, 100, n_items + 3]))
    model = ModelSettings.model_validate({"similarity": name, "threshold": threshold, "neighbors": n})

    whole, kept = Memory(), Memory()
    Similarity(indptr, indices, n_items, model).dense(whole.allocate, 1, lambda _done, _total: None)
    Similarity(indptr, indices, n_items, model).neighbors(kept.allocate, 1 + seed % 2, lambda _done, _total: None)
    matrix = matrix_of(whole, n_items)
    if name == "cooccurrence":
        known = np.zeros((n_users, n_items))
        known[np.repeat(np.arange(n_users), np.diff(indptr)), indices] = 1
        counts = known.T @ known
        np.testing.assert_array_equal(matrix, np.where(counts < threshold, 0, counts))
    ends, items, values = (kept[f"similarity_{part}"] for part in ("indptr", "indices", "data"))
    for item in range(0, n_items, 1 + n_items // 60):
        row = slice(ends[item], ends[item + 1])
        assert list(zip(items[row].tolist(), values[row].tolist(), strict=True)) == sorted(nearest(matrix[item], item, n).items())

    first = int(generator.integers(n_items))
    end = int(generator.integers(first, n_items)) + 1
    touching = [part for part in np.split(indices, indptr[1:-1]) if ((part >= first) & (part < end)).any()]
    part = Part(
        np.cumsum([0, *(row.size for row in touching)]),
        np.concatenate([indices[:0], *touching]),
        *(np.bincount(indices, minlength=n_items), first, end, model),
    ).rows("sparse")
    assert part.item_idx.tobytes() == items[ends[first] : ends[end]].tobytes()
    assert part.values.tobytes() == values[ends[first] : ends[end]].tobytes()
