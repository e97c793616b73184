"""The nearest neighbors of an item, against sorting its whole row; and mapped arrays that are filled bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.blocks import release
from engine.fit import similarity
from engine.fit.counting_kernels import increments
from engine.fit.neighbor_kernels import BLOCK, rows_of_neighbors
from engine.fit.similarity import Similarity
from tests.support.models.fitting import Memory, interactions_of, matrix_of, rows_of, similarity_of
from tests.support.models.samples import many


def nearest(row: Array, item: int, n: int) -> dict[int, float]:
    """The item itself and the `n` most similar others that are not 0; of equal ones the lower positions."""
    others = sorted((-float(value), at) for at, value in enumerate(row) if value != 0 and at != item)
    kept = {at: -value for value, at in others[:n]}
    return {**kept, **({item: float(row[item])} if row[item] != 0 else {})}


@pytest.mark.parametrize("name", ["cooccurrence", "jaccard", "mutual information"])
@pytest.mark.parametrize("n", [1, 2, 7, 149, 400])
def test_neighbors_are_those_of_the_whole_row(name: str, n: int) -> None:
    whole = ModelSettings.model_validate({"similarity": name})
    interactions = interactions_of(many())
    rows, n_items = rows_of(interactions, whole), len(interactions.item_ids)
    matrix, memory = matrix_of(similarity_of(rows, n_items, whole, "dense"), n_items), Memory()
    fit = Similarity(rows.indptr, rows.indices, n_items, whole.model_copy(update={"neighbors": n}))
    fitted = fit.neighbors(memory.allocate, 1, lambda _done, _total: None)
    kept = matrix_of(memory, n_items)
    for item in range(n_items):
        found = {int(at): float(kept[item, at]) for at in np.flatnonzero(kept[item])}
        assert found == nearest(matrix[item], item, n)
    assert fitted == ("sparse", memory["similarity_data"].size / n_items)


@pytest.mark.parametrize("name", ["cooccurrence", "cosine", "jaccard", "mutual information"])
@pytest.mark.parametrize(("threshold", "n_items"), [(1, 150), (3, 150), (1, 2 * BLOCK + 100)])
def test_listed_and_swept_counters_keep_the_same_bits(name: str, threshold: int, n_items: int) -> None:
    """The work of an item only says how its row is counted: of none at all it is listed, of very much it is swept."""
    model = ModelSettings.model_validate({"similarity": name, "threshold": threshold})
    rows = rows_of(interactions_of(many()), model)
    indices = np.sort(np.random.default_rng(5).permutation(n_items)[:150])[rows.indices].astype(np.int32)  # among items that nobody has
    fit = Similarity(rows.indptr, indices, n_items, model)
    popular, place, *tail = fit._split()
    rare = np.full_like(place, -1)
    events = (*fit._events, *tail, popular, rare, np.zeros((popular.size, popular.size), np.int32))

    def kept(work: int, n: int) -> tuple[bytes, ...]:
        out = (np.zeros(n_items, np.int64), np.zeros((n_items, n + 1), np.int32), np.zeros((n_items, n + 1), np.float32))
        rows_of_neighbors(0, n_items, events, np.full(n_items, work), *fit._how, n, *out)
        return tuple(array.tobytes() for array in out)

    for n in (1, 5, 60, 149):
        assert kept(0, n) == kept(10**12, n)


def test_increments_are_those_of_the_rows_of_an_item_s_users() -> None:
    rows = rows_of(interactions_of(many()), ModelSettings())
    fit = Similarity(rows.indptr, rows.indices, 150, ModelSettings())
    widths = np.diff(rows.indptr)
    users = np.repeat(np.arange(widths.size), widths)
    expected = np.bincount(rows.indices, weights=widths[users], minlength=150)
    none = np.full(150, -1, np.int32)
    assert increments(none, *fit._events[:3], fit._events[2]).tolist() == expected.tolist()


def test_many_ties_are_cut_at_the_lower_position() -> None:
    """Every item was used by the same users: all similarities are 1."""
    model = ModelSettings(neighbors=3)
    rows, memory = rows_of(interactions_of([(user, item, 1.0, 0) for user in range(4) for item in range(40)]), model), Memory()
    Similarity(rows.indptr, rows.indices, 40, model).neighbors(memory.allocate, 1, lambda _done, _total: None)
    for item in range(40):
        kept = memory["similarity_indices"][4 * item : 4 * item + 4].tolist()
        assert kept == sorted({item, *[other for other in range(4) if other != item][:3]})


@pytest.mark.parametrize("n_bytes", [0, 20_000, 2**40])
def test_the_room_for_bit_sets_changes_nothing(n_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(interactions_of(many()), ModelSettings())
    before = similarity_of(rows, 150, ModelSettings(), "dense")["similarity"].tobytes()
    monkeypatch.setattr(similarity, "_BIT_SET_BYTES", n_bytes)
    assert similarity_of(rows, 150, ModelSettings(), "dense")["similarity"].tobytes() == before


def test_neighbors_that_fit_are_the_most_that_fit() -> None:
    rows = rows_of(interactions_of(many()), ModelSettings())
    fit = Similarity(rows.indptr, rows.indices, 150, ModelSettings())
    for limit in (10_000, 100_000, 123_457):
        n = fit.neighbors_in(limit)
        assert fit.neighbor_bytes(n) <= limit < fit.neighbor_bytes(n + 1)
    assert fit.neighbors_in(0) == 0


def test_release_keeps_what_a_mapped_array_holds(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.int64, shape=(3, 4096))
    mapped[1] = np.arange(4096)
    release(mapped)
    mapped[2, 0] = 7
    np.testing.assert_array_equal(mapped[1], np.arange(4096))
    assert np.load(path, mmap_mode="r")[2, 0] == 7
    assert np.load(path)[1].sum() == 4095 * 4096 // 2


def test_release_leaves_arrays_in_memory_alone() -> None:
    array = np.arange(10)
    release(array)
    release(array[2:])
    assert array.tolist() == list(range(10))
