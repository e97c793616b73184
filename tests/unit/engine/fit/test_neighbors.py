"""The nearest neighbors of an item, against sorting its whole row; and mapped arrays that are filled bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contract.artifacts.artifact import TILE
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.blocks import release
from engine.fit import popular
from engine.fit.key_kernels import rising
from engine.fit.neighbor_kernels import BLOCK, _bounds, rows_of_neighbors
from engine.fit.popular import Popular, by_popularity
from engine.fit.similarity import Similarity
from engine.fit.similarity_kernels import SIMILARITIES, similarities
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


def shop(n_users: int, n_items: int, n: int) -> tuple[Array, Array]:
    """Rows of users, indptr and indices, of items of which few are popular and most are rare."""
    generator = np.random.default_rng(5)
    popularity = generator.permutation(np.exp(2 * generator.standard_normal(n_items)))
    pairs = np.unique(generator.integers(n_users, size=n) * n_items + generator.choice(n_items, n, p=popularity / popularity.sum()))
    indptr = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(pairs // n_items, minlength=n_users), out=indptr[1:])
    return indptr, (pairs % n_items).astype(np.int32)


@pytest.mark.parametrize("threshold", [1, 3])
@pytest.mark.parametrize("name", SIMILARITIES)
def test_listed_and_swept_counters_keep_what_the_whole_row_says(name: str, threshold: int) -> None:
    """The work of an item only says how its row is counted: of none at all it is listed, of very much it is swept."""
    n_items = 3 * BLOCK + 100
    indptr, indices = shop(300, n_items, 20_000)
    model = ModelSettings.model_validate({"similarity": name, "threshold": threshold})
    memory = Memory()
    Similarity(indptr, indices, n_items, model).dense(memory.allocate, 1, lambda _done, _total: None)
    matrix = matrix_of(memory, n_items)
    fit = Similarity(indptr, indices, n_items, model)
    numbering = by_popularity(fit._f)
    events = Popular.of(indices[:0], n_items, indptr[:-1]).counted(fit._events, numbering[1], 1)
    for n in (1, 20, 300):
        for work in (0, 10**12):
            lengths, kept, values = (
                np.zeros(n_items, np.int64),
                np.zeros((n_items, n + 1), np.int32),
                np.zeros((n_items, n + 1), np.float32),
            )
            rows_of_neighbors(0, n_items, events, np.full(n_items, work), numbering, *fit._how, n, lengths, kept, values)
            for item in range(0, n_items, 7):
                found = list(zip(kept[item, : lengths[item]].tolist(), values[item, : lengths[item]].tolist(), strict=True))
                assert found == sorted(nearest(matrix[item], item, n).items())


@pytest.mark.parametrize("threshold", [1, 3])
@pytest.mark.parametrize("f_i", [2.0, 40.0, 3000.0])
@pytest.mark.parametrize("name", SIMILARITIES)
def test_no_similarity_of_a_tile_is_above_its_bound(name: str, f_i: float, threshold: int) -> None:
    """Far more frequent items than there are items: most logarithms are negative."""
    kind, generator, n_items = SIMILARITIES.index(name), np.random.default_rng(5), 20 * TILE + 7
    frequencies = np.sort(generator.integers(1, 3000, n_items).astype(np.int32))[::-1].copy()
    counts = np.minimum(generator.choice([0, 0, 1, 2, 5, 40], n_items), np.minimum(frequencies, f_i)).astype(np.uint16)
    rarest = np.append(frequencies[TILE - 1 :: TILE], frequencies[-1])
    values = np.empty(n_items, np.float32)
    similarities(kind, counts.astype(np.int32), threshold, frequencies, f_i, n_items, values)
    bounds = _bounds(counts, rarest, kind, threshold, f_i)
    for bound, tile in zip(bounds.tolist(), np.split(values, range(TILE, n_items, TILE)), strict=True):
        assert all(rising(bits) << 32 <= bound for bits in tile[tile != 0].view(np.uint32).tolist())


def test_an_item_of_more_users_than_two_bytes_count() -> None:
    """Two items of all users, and one of every second: a count of 70,000 is not one of 4,464."""
    n_users = 70_000
    indices = np.concatenate([[0, 1, 2] if user % 2 else [0, 1] for user in range(n_users)]).astype(np.int32)
    indptr = np.concatenate(([0], np.cumsum([3 if user % 2 else 2 for user in range(n_users)]))).astype(np.int64)
    memory = Memory()
    fit = Similarity(indptr, indices, 3, ModelSettings(similarity="cooccurrence", neighbors=2))
    fit.neighbors(memory.allocate, 1, lambda _done, _total: None)
    assert matrix_of(memory, 3).tolist() == [[70_000, 70_000, 35_000], [70_000, 70_000, 35_000], [35_000, 35_000, 35_000]]


def test_increments_are_those_of_the_rows_of_an_item_s_users() -> None:
    rows = rows_of(interactions_of(many()), ModelSettings())
    fit = Similarity(rows.indptr, rows.indices, 150, ModelSettings())
    widths = np.diff(rows.indptr)
    users = np.repeat(np.arange(widths.size), widths)
    expected = np.bincount(rows.indices, weights=widths[users], minlength=150)
    assert Popular.of(rows.indices[:0], 150, rows.indptr[:-1]).increments(fit._events).tolist() == expected.tolist()


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
    monkeypatch.setattr(popular, "BIT_SET_BYTES", n_bytes)
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
