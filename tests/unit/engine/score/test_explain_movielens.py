"""Explanations of MovieLens: what the stored shares say against scores that are computed in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contract.settings.settings import ModelSettings, SourceSettings
from engine.arrays import Array
from engine.score.explain import explain_users
from tests.support.contributors import of_items
from tests.support.models import oracle
from tests.support.models.fitting import LAYOUTS, Layout, rows_of, score_all, similarity_of
from tests.unit.engine.fit.test_sar_oracle import movielens
from trainer.fitting.recommenders_sar import USER
from trainer.interactions.interactions import Interactions, from_frames
from trainer.sources import load as sources

EVERY = 10**6
DAY_S = 86400
RTOL = 1e-5


def explain_all(interactions: Interactions, model: ModelSettings, layout: Layout, users: range) -> list[list[tuple[int, Array, Array]]]:
    """For each user and listed item: the item, its contributors, and their shares, of all that contributed."""
    rows, n_items = rows_of(interactions, model), len(interactions.item_ids)
    similarity = similarity_of(rows, n_items, model, layout)
    whole, part = score_all(rows, similarity, n_items, model), slice(users.start, users.stop)
    top = whole.part(part.start, part.stop)
    arrays = {**rows.arrays(model.normalize), **similarity}
    made = of_items(explain_users(arrays, users.start, users.stop, top, explain_depth=EVERY))
    return [
        [
            (item, np.array([j for j, _ in pairs]), np.array([share for _, share in pairs]))
            for item, pairs in zip(items, listed, strict=False)
        ]
        for items, listed in zip(top.items.tolist(), made, strict=True)
    ]


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_movielens_small_against_float64(exclude_seen: bool, layout: Layout) -> None:
    """50 users; decayed weights and jaccard similarity written out in NumPy."""
    model, users = ModelSettings(exclude_seen=exclude_seen), range(100, 150)
    interactions = from_frames(sources.read(SourceSettings(), Path()).events, "movielens-small")
    assert interactions.time is not None
    age = (interactions.time.max() - interactions.time) / (model.time_decay_days * DAY_S)
    shape = (len(interactions.user_ids), len(interactions.item_ids))
    affinity, met = np.zeros(shape), np.zeros(shape, np.float32)
    affinity[interactions.user_idx, interactions.item_idx] = interactions.weight * 0.5**age
    met[interactions.user_idx, interactions.item_idx] = 1
    popularity = met.sum(axis=0, dtype=np.float64)
    explained = explain_all(interactions, model, layout, users)
    assert sum(map(len, explained)) == 50 * model.stored_depth
    for user, listed in zip(users, explained, strict=True):
        seen = np.flatnonzero(met[user])
        items = [item for item, *_ in listed]
        counts = (met[:, seen].T @ met[:, items]).astype(np.float64)
        terms = affinity[user, seen, None] * (counts / (popularity[seen, None] + popularity[items] - counts))
        for column, (_, contributors, shares) in enumerate(listed):
            assert set(contributors) == set(seen[terms[:, column] > 0])
            score = terms[:, column].sum()
            np.testing.assert_allclose(shares * score, terms[np.searchsorted(seen, contributors), column], rtol=RTOL)
            np.testing.assert_allclose((shares * score).sum(), score, rtol=RTOL)


@pytest.mark.long
@pytest.mark.ml100k
@pytest.mark.parametrize("layout", LAYOUTS)
def test_movielens_100k_against_the_library(ml100k: Path, layout: Layout) -> None:
    """200 users, of normalised lists; the library is asked for scores before normalisation."""
    interactions, users = movielens(ml100k), range(300, 500)
    library = oracle.fitted(interactions, ModelSettings(normalize=False))
    scores = library.score(pd.DataFrame({USER: list(users)}), remove_seen=False)
    affinity, similarity = library.user_affinity.toarray(), np.asarray(library.item_similarity)
    columns = np.array([library.item2index[item] for item in range(len(interactions.item_ids))])
    explained = explain_all(interactions, ModelSettings(), layout, users)
    assert sum(map(len, explained)) == 200 * 30
    for row, (user, listed) in enumerate(zip(users, explained, strict=True)):
        for item, contributors, shares in listed:
            score = scores[row, columns[item]]
            weights = affinity[library.user2index[user], columns[contributors]]
            np.testing.assert_allclose(shares * score, weights * similarity[columns[contributors], columns[item]], rtol=RTOL)
            np.testing.assert_allclose((shares * score).sum(), score, rtol=RTOL)
