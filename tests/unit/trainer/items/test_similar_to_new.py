"""Similar items of items that no run knows yet, beside a revision of the items."""

from __future__ import annotations

import polars as pl
import pytest

from contract.formats import payload
from contract.settings.settings import ModelSettings
from trainer.items.items import cleaned
from trainer.items.similar_to_new import similar_to_new

FILMS = cleaned(
    pl.DataFrame(
        {
            "item": ["1", "2", "3", "4", "9", "x"],
            "genres": ["Horror|Crime", "Horror|Crime", "Drama", "Horror", "Horror|Crime", "Drama"],
        }
    ),
    "items.csv",
)
ON = ModelSettings(new_items=1, similar_depth=3)


def test_new_items_alone_have_lists_by_content() -> None:
    found = similar_to_new(FILMS, {"1", "2", "3", "4"}, {"2"}, "int", ON, 1.0)
    assert set(found) == {"9"}  # x is no id where ids are integers
    ids, scores = payload.decode(found["9"])
    assert list(ids) == [1, 4]  # without what is unavailable
    assert scores[0] == pytest.approx(1.0)
    assert 0 < scores[1] < 1


def test_ids_are_spelled_as_the_generation_spells_them() -> None:
    assert payload.decode(similar_to_new(FILMS, {"1", "2", "3", "4", "9"}, set(), "str", ON, 1.0)["x"])[0] == ["3"]


@pytest.mark.parametrize("model", [ModelSettings(), ModelSettings(new_items=1, similar_depth=0)])
def test_nothing_is_made_where_it_is_off(model: ModelSettings) -> None:
    assert similar_to_new(FILMS, {"1"}, set(), "int", model, 1.0) == {}


def test_nothing_is_made_where_all_is_known() -> None:
    assert similar_to_new(FILMS, {"1", "2", "3", "4", "9"}, set(), "int", ON, 1.0) == {}
