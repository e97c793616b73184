"""The similarity, against matrices worked out by hand, and the forms that it may take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from contract.errors import SettingsError
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.fit import popular, similarity
from engine.fit import rows as sar
from engine.fit.similarity import Similarity
from tests.support.models.fitting import LAYOUTS, Event, Layout, Memory, interactions_of, matrix_of, rows_of, similarity_of
from tests.support.models.samples import BY_HAND, many

THIRD, BITS = 1 / 3, math.log2
LOWER_TRIANGLES: dict[Any, list[list[float]]] = {
    "cooccurrence": [[4], [3, 3], [2, 1, 2], [1, 1, 0, 1]],
    # C / (fi + fj - C): ab 3 / (4 + 3 - 3), ac 2 / 4, ad 1 / 4, bc 1 / (3 + 2 - 1), bd 1 / 3
    "jaccard": [[1], [3 / 4, 1], [1 / 2, 1 / 4, 1], [1 / 4, THIRD, 0, 1]],
    # C / (fi fj): aa 4 / 16, ab 3 / 12, ac 2 / 8, ad 1 / 4, bb 3 / 9, bc 1 / 6, bd 1 / 3, cc 2 / 4
    "lift": [[1 / 4], [1 / 4, THIRD], [1 / 4, 1 / 6, 1 / 2], [1 / 4, THIRD, 0, 1]],
    # C / sqrt(fi fj)
    "cosine": [[1], [3 / math.sqrt(12), 1], [2 / math.sqrt(8), 1 / math.sqrt(6), 1], [1 / 2, 1 / math.sqrt(3), 0, 1]],
    # C / min(fi, fj)
    "inclusion index": [[1], [1, 1], [1, 1 / 2, 1], [1, 1, 0, 1]],
    # log2(4 lift): 0 where lift is 1 / 4; c and d never met
    "mutual information": [[0], [0, BITS(4 / 3)], [0, BITS(2 / 3), 1], [0, BITS(4 / 3), 0, 2]],
    # C log2(4 lift)
    "lexicographers mutual information": [[0], [0, 3 * BITS(4 / 3)], [0, BITS(2 / 3), 2], [0, BITS(4 / 3), 0, 2]],
}


def symmetric(lower: list[list[float]]) -> Array:
    matrix = np.zeros((4, 4))
    for row, values in enumerate(lower):
        matrix[row, : row + 1] = matrix[: row + 1, row] = values
    return matrix


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", LOWER_TRIANGLES)
def test_the_seven_similarities(name: Any, layout: Layout) -> None:
    model = ModelSettings(similarity=name)
    rows = rows_of(interactions_of(BY_HAND), model)
    matrix = matrix_of(similarity_of(rows, 4, model, layout), 4)
    np.testing.assert_allclose(matrix, symmetric(LOWER_TRIANGLES[name]), rtol=1e-7)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_threshold(layout: Layout) -> None:
    """Of 2: pairs that met once count as none, and so does d itself, that one user knows."""
    model = ModelSettings(threshold=2)
    rows = rows_of(interactions_of(BY_HAND), model)
    expected = symmetric([[1], [3 / 4, 1], [1 / 2, 0, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(matrix_of(similarity_of(rows, 4, model, layout), 4), expected, rtol=1e-7)


def test_nearest_neighbors() -> None:
    """Jaccard's nearest: of a b (3/4), of b a (3/4), of c a (1/2), of d b (1/3); each keeps itself."""
    model = ModelSettings(neighbors=1)
    rows, memory = rows_of(interactions_of(BY_HAND), model), Memory()
    sar.fit_similarity(rows, 4, model, memory.allocate, threads=1, limit_bytes=1e6, report=lambda *_: None)
    expected = [[1, 3 / 4, 0, 0], [3 / 4, 1, 0, 0], [1 / 2, 0, 1, 0], [0, THIRD, 0, 1]]
    np.testing.assert_allclose(matrix_of(memory, 4), expected, rtol=1e-7)


@pytest.mark.parametrize("form", ["dense", "sparse", "neighbors"])
def test_threads_change_nothing(form: str) -> None:
    model = ModelSettings(neighbors=20 if form == "neighbors" else 0)
    rows = rows_of(interactions_of(many()), model)
    made = []
    for threads in (1, 2):
        memory = Memory()
        getattr(Similarity(rows.indptr, rows.indices, 150, model), form)(memory.allocate, threads, lambda _done, _total: None)
        made.append({name: array.tobytes() for name, array in memory.items()})
    assert made[0] == made[1]


@pytest.mark.parametrize("cost", [1e-9, 1e9], ids=["bit sets for all", "no bit set"])
def test_the_way_of_counting_changes_nothing(cost: float, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelSettings(similarity="cooccurrence")
    rows = rows_of(interactions_of(many()), model)
    known = np.zeros((len(rows.exponent), 150))
    known[np.repeat(np.arange(len(rows.exponent)), np.diff(rows.indptr)), rows.indices] = 1
    monkeypatch.setattr(popular, "PER_BIT_WORD", cost)
    np.testing.assert_array_equal(matrix_of(similarity_of(rows, 150, model, "dense"), 150), known.T @ known)


def test_the_smaller_layout_is_taken() -> None:
    full: list[Event] = [(user, item, 1.0, 0) for user in range(3) for item in range(130)]
    pairs: list[Event] = [(user, 2 * user + side, 1.0, 0) for user in range(65) for side in range(2)]
    for events, layout, row_work in ((full, "dense", 130), (pairs, "sparse", 2)):
        memory = Memory()
        rows = rows_of(interactions_of(events), ModelSettings())
        fitted = sar.fit_similarity(rows, 130, ModelSettings(), memory.allocate, threads=1, limit_bytes=1e6, report=lambda *_: None)
        assert fitted.layout == layout
        assert fitted.row_work == row_work
        assert ("similarity" in memory) == (layout == "dense")


def test_dense_where_sparse_would_cost_much_scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    """128 items, two in five likenesses: 3.2 bytes a pair against 4. Only a limit that dense does not meet makes it sparse then."""
    events: list[Event] = [(user, item % 128, 1.0, 0) for user in range(128) for item in range(user, user + 26)]
    rows = rows_of(interactions_of(events), ModelSettings())
    fit = Similarity(rows.indptr, rows.indices, 128, ModelSettings())
    assert fit.dense_bytes == 4 * 128 * 128
    assert fit.choose(1e9).layout == "sparse"
    monkeypatch.setattr(similarity, "SLOW_S", 0.0)
    assert fit.choose(1e9).layout == "dense"
    assert fit.choose(fit.dense_bytes - 1).layout == "sparse"


def test_more_items_than_two_bytes_can_number() -> None:
    """70,000 items that one user each knows, and one who knows an item on either side of 65,536, whose last two bytes are alike."""
    apart, n_items = 65_536, 70_000
    users, items = np.arange(n_items + 1, dtype=np.int32), np.append(np.arange(n_items), 10).astype(np.int32)
    users[[10, 10 + apart]] = n_items
    model = ModelSettings(similarity="cooccurrence")
    rows = sar.fit_rows(users, items, np.ones(n_items + 1, np.float32), None, n_items + 1, model)
    memory = similarity_of(rows, n_items, model, "sparse", threads=2)
    ends = memory["similarity_indptr"]
    found = {row: memory["similarity_indices"][ends[row] : ends[row + 1]].tolist() for row in (10, 11, 10 + apart)}
    assert found == {10: [10, 10 + apart], 11: [11], 10 + apart: [10, 10 + apart]}
    assert int(ends[-1]) == n_items + 2


def test_a_similarity_that_is_too_large_is_refused_before_it_is_made() -> None:
    """Full 130 × 130: 4 bytes · 192 columns · 130 rows = 99,840 dense. 20,000 hold 130 rows of 8 + 8 · 18, one of them the item's own."""
    rows = rows_of(interactions_of([(user, item, 1.0, 0) for user in range(3) for item in range(130)]), ModelSettings())

    def fit(limit_bytes: float, **options: Any) -> Memory:
        memory = Memory()
        sar.fit_similarity(
            *(rows, 130, ModelSettings(**options), memory.allocate), threads=1, limit_bytes=limit_bytes, report=lambda *_: None
        )
        return memory

    assert fit(99_840)
    with pytest.raises(SettingsError, match=r"130 items would take .* raise LARDER_MAX_MEMORY_GB, .* --neighbors 17 or fewer"):
        fit(20_000)
    assert fit(20_000, neighbors=17)
    with pytest.raises(SettingsError, match="--neighbors 17 or fewer"):
        fit(20_000, neighbors=18)
