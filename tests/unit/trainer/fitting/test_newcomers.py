"""Items that nobody has met, from metadata to lists: by every kind of model, in both layouts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.score.scoring import Scale, TopK, score_users
from engine.score.similar import similar_items
from tests.support.models.fitting import LAYOUTS, Layout, Memory, interactions_of, matrix_of, rows_of, similarity_of
from tests.support.models.samples import many
from trainer.fitting.fit_model import Made, Similar, fit_model
from trainer.interactions.interactions import Interactions
from trainer.items.items import Items, cleaned
from trainer.items.new_items import with_content

CASES = [
    {},
    {"neighbors": 9},
    {"similarity": "lift", "neighbors": 9},
    {"prior_gain": 0.1, "normalize": False},
    {"model": "ease", "ridge": 20},
    {"model": "ease", "ridge": 20, "neighbors": 9},
    {"model": "itemknn", "neighbors": 12},
]
NEW, NOBODYS = 1000, 1001
"""NEW is like the items of one shelf; NOBODYS is like nothing."""


def shelves() -> Items:
    """Items of shelf n are 5 n to 5 n + 4."""
    ids = sorted({int(item) for _, item, _, _ in many()})
    rows = [(str(item), f"shelf {item // 5}") for item in ids] + [(str(NEW), "shelf 0"), (str(NOBODYS), "of its own")]
    return cleaned(pl.DataFrame(rows, schema=["item", "category"], orient="row"), "items.csv")


def made_of(interactions: Interactions, model: ModelSettings) -> tuple[Made, Memory]:
    memory, wanted = Memory(), Similar(4, np.array([2], np.int32))
    made = fit_model(interactions, model, memory.allocate, threads=2, limit_bytes=2**30, report=lambda *_: None, similar=wanted)
    return made, memory


def lists_of(made: Made, similarity: Memory, model: ModelSettings, depth: int) -> TopK:
    scale = Scale(model.normalize, made.rows.weight_min, made.rows.weight_max)
    return score_users({**made.arrays(model.normalize), **similarity}, 0, 400, scale, depth=depth, exclude_seen=True)


def similar_to(made: Made, similarity: Memory, item: int) -> list[int]:
    top = similar_items({**made.similar, **similarity}, np.array([item], np.int32), depth=4)
    return [int(at) for at in top.items[0, : top.lengths[0]]]


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_a_new_item_is_listed_and_has_similar_items(settings: dict[str, object]) -> None:
    model = ModelSettings.model_validate({**settings, "new_items": 1.0})
    known = with_content(interactions_of(many()), shelves(), model)
    new, nobodys = known.item_ids.index(NEW), known.item_ids.index(NOBODYS)
    made, similarity = made_of(known, model)
    top = lists_of(made, similarity, model, 60)
    listed = [set(row[:n].tolist()) for row, n in zip(top.items, top.lengths.tolist(), strict=True)]
    assert sum(new in row for row in listed) > 20
    assert not any(nobodys in row for row in listed)
    near = similar_to(made, similarity, new)
    assert near
    assert near[0] < 5  # of its shelf
    assert 2 not in near
    assert not similar_to(made, similarity, nobodys)


@pytest.mark.parametrize("settings", [{}, {"model": "ease", "ridge": 20}, {"model": "itemknn", "neighbors": 0}], ids=str)
def test_what_many_have_met_hardly_changes(settings: dict[str, object]) -> None:
    model = ModelSettings.model_validate(settings)
    known = with_content(interactions_of(many()), shelves(), model.model_copy(update={"new_items": 1.0}))
    _, plain = made_of(known, model)
    _, mixed = made_of(known, model.model_copy(update={"new_items": 1.0}))
    n_users = np.array([len({user for user, item, _, _ in many() if item == each}) for each in known.item_ids])
    before, after = (matrix_of(arrays, n_users.size) for arrays in (plain, mixed))
    often = n_users > 60
    assert often.sum() > 5

    def change(chosen: Array) -> float:
        return float(np.linalg.norm((after - before)[:, chosen]) / np.linalg.norm(before[:, chosen]))

    assert 0 < change(often) < 0.05
    assert change((n_users > 0) & (n_users < 10)) > 2 * change(often)


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_where_it_is_off_metadata_change_no_number(settings: dict[str, object]) -> None:
    model = ModelSettings.model_validate(settings)
    plain, first = made_of(interactions_of(many()), model)
    again = with_content(interactions_of(many()), shelves(), model)
    _, second = made_of(again, model)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert "content_items" not in plain.learnt_from


def test_the_numbers_follow_from_the_metadata() -> None:
    """So does the digest of a run, which is made of them."""
    model = ModelSettings(new_items=1.0)
    one, other = shelves(), Items("items.csv", shelves().frame.with_columns(categories=pl.col("categories").reverse()))
    made = [made_of(with_content(interactions_of(many()), items, model), model)[0] for items in (one, other)]
    assert not all(np.array_equal(made[0].learnt_from[name], made[1].learnt_from[name]) for name in made[0].learnt_from)


@pytest.mark.parametrize("similarity", ["jaccard", "cosine", "lift", "inclusion index"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_item_without_users_is_similar_to_nothing(similarity: str, layout: Layout) -> None:
    model = ModelSettings.model_validate({"similarity": similarity})
    known = with_content(interactions_of(many()), shelves(), model.model_copy(update={"new_items": 1.0}))
    n_items = len(known.item_ids)
    matrix = matrix_of(similarity_of(rows_of(known, model), n_items, model, layout), n_items)
    assert np.isfinite(matrix).all()
    assert not matrix[known.item_ids.index(NEW)].any()
