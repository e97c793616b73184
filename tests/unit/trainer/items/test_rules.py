"""Rules as arrays: of the items that a run has, in the order of item_idx; none where there is no rule."""

from __future__ import annotations

import polars as pl
import pytest

from contract.errors import DataError
from contract.settings.settings import ModelSettings
from trainer.items.items import cleaned
from trainer.items.revision import ItemsSnapshot
from trainer.items.rules import rule_arrays

FRAME = pl.DataFrame({"item": ["10", "20", "30", "99"], "categories": ["B|A", "", "A", "Z"]})
SNAPSHOT = ItemsSnapshot(cleaned(FRAME, "a test"), frozenset({"30", "99", "x"}))
IDS = [10, 20, 25, 30]


def test_without_rules_there_are_none() -> None:
    assert rule_arrays(ItemsSnapshot(None, frozenset({"x"})), IDS, ModelSettings()) == {}


def test_excluded_items_are_those_that_the_run_has() -> None:
    arrays = rule_arrays(SNAPSHOT, IDS, ModelSettings())
    assert {name: (values.dtype.str, values.tolist()) for name, values in arrays.items()} == {"excluded": ("<i4", [3])}


def test_factors_of_several_categories_multiply() -> None:
    arrays = rule_arrays(SNAPSHOT, IDS, ModelSettings(boosts="A=2, B=0.75"))
    assert (arrays["boost"].dtype.str, arrays["boost"].tolist()) == ("<f4", [1.5, 1.0, 1.0, 2.0])


def test_categories_are_numbered_in_the_order_of_their_names() -> None:
    arrays = rule_arrays(SNAPSHOT, IDS, ModelSettings(max_per_category=2))
    assert (arrays["category_indptr"].dtype.str, arrays["category_indptr"].tolist()) == ("<i8", [0, 2, 2, 2, 3])
    assert (arrays["category_indices"].dtype.str, arrays["category_indices"].tolist()) == ("<i4", [1, 0, 0])


def test_a_factor_that_float32_cannot_hold_is_refused() -> None:
    names = [f"c{number}" for number in range(30)]
    snapshot = ItemsSnapshot(cleaned(pl.DataFrame({"item": ["10"], "categories": ["|".join(names)]}), "a test"), frozenset())
    with pytest.raises(DataError, match="so many boosted categories"):
        rule_arrays(snapshot, IDS, ModelSettings(boosts=",".join(f"{name}=0.01" for name in names)))
    with pytest.raises(DataError, match="so many boosted categories"):
        rule_arrays(snapshot, IDS, ModelSettings(boosts=",".join(f"{name}=100" for name in names)))


@pytest.mark.parametrize("rule", [{"boosts": "A=2"}, {"max_per_category": 1}])
def test_rules_need_categories(rule: dict[str, object]) -> None:
    with pytest.raises(DataError, match="no item has one"):
        rule_arrays(ItemsSnapshot(None, frozenset()), IDS, ModelSettings.model_validate(rule))
