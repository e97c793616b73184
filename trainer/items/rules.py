"""The rules of a run as arrays of its artifact (contract/artifacts/artifact.py): excluded items, factors of scores, categories of items."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from contract.errors import DataError
from contract.formats.keys import Id
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from trainer.items.exclusions import check_categories
from trainer.items.items import NOTHING
from trainer.items.revision import ItemsSnapshot

MAX_FACTOR = 1e6  # of an item, whose categories multiply: a score must stay one that float32 holds


def rule_arrays(snapshot: ItemsSnapshot, item_ids: Sequence[Id], model: ModelSettings) -> dict[str, Array]:
    """Arrays of what is not empty: none where no item is excluded and no rule is set.

    Raises DataError where a rule names categories and no item has one.
    """
    arrays: dict[str, Array] = {}
    if excluded := [at for at, item_id in enumerate(item_ids) if str(item_id) in snapshot.unavailable]:
        arrays["excluded"] = np.array(excluded, np.int32)
    if not (model.boost_of or model.max_per_category):
        return arrays
    items = snapshot.items or NOTHING
    check_categories(items, model.boost_of, "boosts" if model.boost_of else "max_per_category")
    known = items.categories()
    categories = [known.get(str(item_id), []) for item_id in item_ids]
    if factors := model.boost_of:
        boost = [math.prod(factors.get(name, 1.0) for name in names) for names in categories]
        if extreme := [factor for factor in boost if not 1 / MAX_FACTOR <= factor <= MAX_FACTOR]:
            raise DataError(f"boosts: an item has so many boosted categories that its factor is {extreme[0]:g}; boost fewer, or less")
        arrays["boost"] = np.array(boost, np.float32)
    if model.max_per_category:
        numbers = {name: number for number, name in enumerate(sorted({name for names in categories for name in names}))}
        ends = np.cumsum([len(names) for names in categories], dtype=np.int64)
        arrays["category_indptr"] = np.concatenate((np.zeros(1, np.int64), ends))
        arrays["category_indices"] = np.array([numbers[name] for names in categories for name in names], np.int32)
    return arrays
