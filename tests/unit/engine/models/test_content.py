"""Content and what is made of it equal a few lines of NumPy in float64, over both layouts."""

from __future__ import annotations

import numpy as np
import pytest

from contract.artifacts.artifact import TILE
from engine.arrays import Array
from engine.linear.matrix import Columns, Limits
from engine.linear.nearest import nearest_of_tiles
from engine.models import content
from engine.models.content import Features
from engine.models.newcomers import Mix, Parameters

LIMITS = Limits(threads=2)
N_ITEMS, N_TERMS, ENDS = 70, 24, np.array([9, 24])


def terms(seed: int) -> Array:
    """Terms × items, of two columns; item 5 has no term of the first, item 6 none at all."""
    has = np.random.default_rng(seed).random((N_TERMS, N_ITEMS)) < 0.2
    has[:9, 5] = has[:, 6] = False
    return has


def features(seed: int, vectors: Array | None = None) -> Features:
    term_idx, item_idx = np.nonzero(terms(seed))
    return Features.of(N_ITEMS, term_idx, item_idx, ENDS, vectors)


def cosines(seed: int, vectors: Array | None = None) -> Array:
    has = terms(seed).astype(np.float64)
    has *= np.log((1 + N_ITEMS) / (1 + has.sum(axis=1)))[:, None]
    parts = [has[:9], has[9:], *([] if vectors is None else [vectors.T])]
    units = np.concatenate([part / np.maximum(np.linalg.norm(part, axis=0), 1e-300) for part in parts])
    units /= np.maximum(np.linalg.norm(units, axis=0), 1e-300)
    found: Array = np.maximum(units.T @ units, 0.0)
    np.fill_diagonal(found, 0.0)
    return found


def cut(matrix: Array, most: int) -> Array:
    """Each column's greatest entries."""
    kept = np.zeros_like(matrix)
    for j in range(matrix.shape[1]):
        order = np.argsort(-matrix[:, j], kind="stable")[:most]
        kept[order, j] = matrix[order, j]
    return kept


def dense_of(matrix: object) -> Array:
    assert isinstance(matrix, Columns)
    return matrix.to_dense()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("with_vectors", [False, True])
def test_similarity_is_the_cosine_of_weighed_terms_and_vectors(seed: int, with_vectors: bool) -> None:
    vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, 4)) if with_vectors else None
    found = dense_of(content.fit(features(seed, vectors), content.Parameters(N_ITEMS), LIMITS).matrix)
    np.testing.assert_allclose(found, cosines(seed, vectors), atol=1e-5)
    assert with_vectors or not found[6].any()


def test_the_greatest_of_each_column_are_kept() -> None:
    found = dense_of(content.fit(features(1), content.Parameters(7), LIMITS).matrix)
    assert ((found > 0).sum(axis=0) <= 7).all()
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(cut(cosines(1), 7), axis=0), atol=1e-5)


def test_some_items_alone_have_the_same_features() -> None:
    whole = features(2, np.random.default_rng(2).normal(size=(N_ITEMS, 3)))
    chosen = np.array([0, 5, 6, 40, 69])
    part = dense_of(content.fit(whole.only(chosen), content.Parameters(5), LIMITS).matrix)
    everything = dense_of(content.fit(whole, content.Parameters(N_ITEMS), LIMITS).matrix)
    np.testing.assert_allclose(part, everything[np.ix_(chosen, chosen)], atol=1e-6)


def expected_mix(matrix: Array, own: Array, n_users: Array, users: float, neighbors: int) -> Array:
    k = n_users / (n_users + users)
    weights = cut(cosines(3) * k[:, None], neighbors)
    sums = weights.sum(axis=0)
    weights = weights / np.where(sums > 0, sums, 1.0)
    known = matrix.astype(np.float64)
    np.fill_diagonal(known, own)
    mixed: Array = known * k + 1.5 * (1 - k) * (known @ weights)
    mixed[:, sums == 0] = known[:, sums == 0]
    np.fill_diagonal(mixed, np.diag(matrix))
    return mixed


@pytest.fixture(scope="module")
def model() -> Array:
    random = np.random.default_rng(7)
    matrix = random.normal(size=(N_ITEMS, N_ITEMS)) * (random.random((N_ITEMS, N_ITEMS)) < 0.3)
    np.fill_diagonal(matrix, 0.0)
    matrix[:, 11] = matrix[11] = 0.0  # nobody has met item 11
    return matrix.astype(np.float32)


@pytest.fixture(scope="module")
def n_users() -> Array:
    counts = np.random.default_rng(8).integers(1, 30, N_ITEMS).astype(np.float64)
    counts[11] = 0.0
    return counts


def tiled(matrix: Array) -> Array:
    n_tiles = -(-N_ITEMS // TILE)
    tiles = np.zeros((n_tiles, N_ITEMS, TILE), np.float32)
    for tile in range(n_tiles):
        part = matrix[:, tile * TILE : (tile + 1) * TILE]
        tiles[tile, :, : part.shape[1]] = part
    return tiles


def columns_of(matrix: Array) -> Columns:
    item_idx, column = np.nonzero(matrix)
    order = np.lexsort((item_idx, column))
    ends = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=N_ITEMS))))
    return Columns(ends.astype(np.int64), item_idx[order].astype(np.int32), matrix[item_idx[order], column[order]])


def test_columns_are_mixed_by_how_much_is_known(model: Array, n_users: Array) -> None:
    mix = Mix.of(features(3), n_users, Parameters(2.0, 1.5, 6), LIMITS)
    expected = expected_mix(model, model.max(axis=0), n_users, 2.0, 6)
    dense = model.copy()
    mix.dense(dense)
    np.testing.assert_allclose(dense, expected, atol=1e-5)
    np.testing.assert_allclose(mix.sparse(columns_of(model)).to_dense(), expected, atol=1e-5)
    assert np.abs(expected[:, 11]).max() > 0.1
    np.testing.assert_array_equal(dense[:, 6], model[:, 6])  # nothing is like item 6


def test_tiles_are_mixed_with_their_own_diagonal(model: Array, n_users: Array) -> None:
    matrix = model.copy()
    np.fill_diagonal(matrix, 1.0)
    matrix[11, 11] = 0.0
    mix, tiles = Mix.of(features(3), n_users, Parameters(2.0, 1.5, 6), LIMITS), tiled(matrix)
    mix.tiles(tiles)
    expected = expected_mix(matrix, np.diag(matrix), n_users, 2.0, 6)
    np.testing.assert_allclose(tiles, tiled(expected), atol=1e-5)
    np.testing.assert_allclose(mix.sparse(columns_of(matrix), np.diag(matrix)).to_dense(), expected, atol=1e-5)


def test_similar_items_of_tiles_are_the_positive_entries_of_columns(model: Array) -> None:
    left_out = np.zeros(N_ITEMS, np.bool_)
    left_out[20] = True
    indptr, item_idx, values = nearest_of_tiles(tiled(model), 5, left_out, 2)
    for j in range(N_ITEMS):
        part = slice(int(indptr[j]), int(indptr[j + 1]))
        column = np.where(left_out, 0.0, model[:, j])
        best = [i for i in np.argsort(-column, kind="stable")[:5] if column[i] > 0]
        assert item_idx[part].tolist() == sorted(best)
        np.testing.assert_array_equal(values[part], model[item_idx[part], j])


def test_a_mixed_column_keeps_its_greatest_entries(model: Array, n_users: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.newcomers.LEAST", 4)
    mix = Mix.of(features(3), n_users, Parameters(2.0, 1.5, 6), LIMITS)
    widths = np.diff(columns_of(model).indptr)
    found = mix.sparse(columns_of(model))
    assert np.diff(found.indptr).tolist() == np.minimum((found.to_dense() != 0).sum(axis=0), np.maximum(widths, 4)).tolist()
    whole = expected_mix(model, model.max(axis=0), n_users, 2.0, 6)
    for j in (11, 30):
        most = max(int(widths[j]), 4)
        np.testing.assert_allclose(np.sort(np.abs(found.to_dense()[:, j]))[-most:], np.sort(np.abs(whole[:, j]))[-most:], atol=1e-5)
