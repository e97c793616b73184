"""Our SAR against that of recommenders: on MovieLens 100k whole, and on many small random sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contract.settings.settings import ModelSettings, Similarity
from engine.fit import similarity_kernels
from engine.score.scoring import TopK
from tests.support.depth import deeper, examples
from tests.support.models import oracle
from tests.support.models.fitting import (
    LAYOUTS,
    Event,
    Layout,
    Memory,
    interactions_of,
    lists_of,
    matrix_of,
    rows_of,
    score_all,
    similarity_of,
)
from trainer.fitting import recommenders_sar as reference
from trainer.interactions.interactions import Interactions, from_frame

SIMILARITIES: tuple[Any, ...] = similarity_kernels.SIMILARITIES
pytestmark = deeper
DAY_S = 86400
LAST_DAY = 400

small = settings(deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate, Phase.shrink))
events = st.dictionaries(
    st.tuples(st.integers(1, 6), st.integers(1, 8)),
    st.tuples(st.integers(1, 20).map(lambda quarters: quarters / 4), st.integers(0, LAST_DAY * DAY_S)),
    min_size=1,
    max_size=40,
).map(lambda pairs: [(user, item, weight, time) for (user, item), (weight, time) in pairs.items()])


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("half_life", [0.0, 30.0])
@pytest.mark.parametrize("similarity", SIMILARITIES)
@settings(small, max_examples=examples(4, 14))
@given(events=events, threshold=st.integers(1, 3), exclude_seen=st.booleans(), depth=st.integers(1, 10))
def test_small_random_sets(
    similarity: Similarity, half_life: float, normalize: bool, events: list[Event], threshold: int, exclude_seen: bool, depth: int
) -> None:
    model = ModelSettings(
        similarity=similarity,
        time_decay_days=half_life,
        normalize=normalize,
        threshold=threshold,
        exclude_seen=exclude_seen,
        k=1,
        depth=depth,
    )
    assert_agrees(interactions_of(events), model)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_set_of_several_tiles(similarity: Similarity) -> None:
    """More than two tiles of 64 items, 300 users, popular and rare items."""
    interactions = interactions_of(random_events(seed=7, n_users=300, n_items=150, n_events=4000))
    for model in (
        ModelSettings(similarity=similarity),
        ModelSettings(similarity=similarity, normalize=False, threshold=3, time_decay_days=7.0),
    ):
        assert_agrees(interactions, model)


def assert_agrees(interactions: Interactions, model: ModelSettings) -> None:
    truth, n_items = oracle.ask(interactions, model), len(interactions.item_ids)
    rows = rows_of(interactions, model)
    tops = []
    for layout in LAYOUTS:
        similarity = similarity_of(rows, n_items, model, layout)
        np.testing.assert_allclose(matrix_of(similarity, n_items), truth.similarity, rtol=1e-6, atol=1e-7)
        tops.append(score_all(rows, similarity, n_items, model))
        oracle.assert_lists_agree(tops[-1], truth, model.stored_depth)
    assert_identical(*tops)


def assert_identical(one: TopK, other: TopK) -> None:
    np.testing.assert_array_equal(one.lengths, other.lengths)
    for user, n in enumerate(one.lengths):
        assert one.items[user, :n].tolist() == other.items[user, :n].tolist()
        assert one.scores[user, :n].tobytes() == other.scores[user, :n].tobytes()


def random_events(seed: int, n_users: int, n_items: int, n_events: int) -> list[Event]:
    """Unique pairs; items by a skewed popularity; weights in halves up to 5; times within LAST_DAY days."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, n_users, n_events)
    items = np.minimum(n_items * rng.random(n_events) ** 2, n_items - 1).astype(np.int64)
    pairs = np.unique(np.stack([users, items], axis=1), axis=0)
    weights = rng.integers(1, 11, len(pairs)) / 2
    times = rng.integers(0, LAST_DAY * DAY_S, len(pairs))
    return [(int(u), int(i), float(w), int(t)) for (u, i), w, t in zip(pairs, weights, times, strict=True)]


def movielens(folder: Path) -> Interactions:
    """u.data as it comes: tab, no header."""
    names = ["user", "item", "weight", "time"]
    frame = pl.read_csv(folder / "u.data", separator="\t", has_header=False, new_columns=names)
    return from_frame(frame.with_columns(pl.col("weight").cast(pl.Float64)), "movielens-100k")


@pytest.mark.ml100k
@pytest.mark.parametrize("layout", LAYOUTS)
def test_movielens_100k_whole(ml100k: Path, layout: Layout) -> None:
    """Defaults: jaccard, half-life of 30 days, normalised, ten unseen items: the lists of all 943 users are the library's."""
    interactions, model = movielens(ml100k), ModelSettings(depth=10)
    frame = reference.frame_of(interactions)
    frame[reference.WEIGHT] = frame[reference.WEIGHT].astype(np.float32)
    library = reference.new_sar(model, decays=True)
    library.fit(frame)
    theirs = library.recommend_k_items(frame, top_k=10, remove_seen=True).groupby(reference.USER)
    top = lists_of(interactions, model, layout)
    assert len(top.lengths) == 943
    same = 0
    for user, part in theirs:
        assert top.lengths[user] == len(part) == 10
        same += top.items[user].tolist() == part[reference.ITEM].tolist()
        np.testing.assert_allclose(top.scores[user], part["prediction"], rtol=0, atol=1e-5)
    assert same == 943


@pytest.mark.ml100k
def test_both_engines_on_movielens_100k(ml100k: Path) -> None:
    interactions, model = movielens(ml100k), ModelSettings()
    ours, library = lists_of(interactions, model), by_the_library(interactions, model)
    np.testing.assert_array_equal(ours.lengths, library.lengths)
    np.testing.assert_allclose(ours.scores, library.scores, rtol=0, atol=1e-5)
    assert_same_up_to_ties(ours, library)


def by_the_library(interactions: Interactions, model: ModelSettings) -> TopK:
    """Lists from what `--engine recommenders` writes into an artifact."""
    memory = Memory()
    with oracle.quiet():
        rows = reference.fit(interactions, model, memory.allocate)
    return score_all(rows, memory, len(interactions.item_ids), model)


def assert_same_up_to_ties(ours: TopK, library: TopK) -> None:
    for user, n in enumerate(ours.lengths):
        mine, theirs = ours.scores[user, :n], library.scores[user, :n]
        np.testing.assert_allclose(mine, theirs, rtol=oracle.RTOL, atol=1e-6)
        clear = mine > mine[-1] * (1 + 2 * oracle.RTOL) if n else mine > 0
        assert set(ours.items[user, :n][clear].tolist()) <= set(library.items[user, :n].tolist())


@pytest.mark.parametrize("similarity", [name for name in SIMILARITIES if "information" not in name])
@settings(small, max_examples=examples(3, 10))
@given(events=events, threshold=st.integers(1, 2), exclude_seen=st.booleans(), normalize=st.booleans())
def test_both_engines_on_small_random_sets(
    similarity: Similarity, events: list[Event], threshold: int, exclude_seen: bool, normalize: bool
) -> None:
    model = ModelSettings(similarity=similarity, threshold=threshold, exclude_seen=exclude_seen, normalize=normalize)
    interactions = interactions_of(events)
    ours, library = lists_of(interactions, model), by_the_library(interactions, model)
    np.testing.assert_array_equal(ours.lengths, library.lengths)
    assert_same_up_to_ties(ours, library)
