"""Weights that were read without a fault and yet look wrong: times, numbers for none, thousands, ids of items."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.arrays import Array
from trainer.interactions.interactions import Interactions
from trainer.interactions.profile import SAMPLED, Profile
from trainer.rows.doubt import Doubt

MANY = 100  # rows
EPOCH = 6e8  # a weight of 1989 and later, were it a time
SENTINELS = tuple(float("9" * n) for n in range(2, 10))
GRADES = 11  # of a scale: 0 to 10
USERS = 20
LARGE = 100  # a weight that is a whole number
THOUSANDS = 0.7  # part of the weights with a point that have three digits behind it
WHOLE = 0.1  # part of all weights; of times in seconds, one in a thousand is a whole number
ROUNDED = 0.05  # of float32, in thousandths


def weight_doubts(made: Interactions, profile: Profile, *, decimal_commas: bool) -> Iterator[Doubt]:
    """`decimal_commas`: the table has semicolons between its fields, as where a comma is the decimal mark."""
    if profile.weights[len(profile.weights) // 2] > EPOCH:
        what = f"weights are as large as {profile.weights[-1]:g}"
        yield Doubt(what, "Are they times? Name the columns with --weight-column and --time-column.")
        return
    if profile.rows < MANY:
        return
    highest = float(made.weight.max())
    if highest in SENTINELS:
        others = made.weight[made.weight < highest]
        if others.size and highest > 5 * float(others.max()):
            n = profile.rows - others.size
            what = f"{n:,} weights are {highest:g}, and all others {others.max():g} or less"
            yield Doubt(what, "If it stands for none, name it with --missing.")
    some = made.weight[:: max(1, made.weight.size // SAMPLED)]
    if found := _thousands(some, decimal_commas=decimal_commas):
        advice = "If the point parts thousands, say --decimal , or write them without it."
        yield Doubt(f"weights with a point have three digits behind it, as {found:.3f}", advice)
    if profile.users >= USERS and _are_grades(made) and (n := np.unique(some).size) > 2 * profile.items:
        what = f"there are {profile.items} items, {min(made.item_ids)} to {max(made.item_ids)}, and {n:,} different weights"
        yield Doubt(what, "Are the two columns exchanged? Name them with --item-column and --weight-column.")


def _thousands(weights: Array, *, decimal_commas: bool) -> float:
    """A weight that may be a thousand times as large: 1.234 where numbers of four digits have a point after the first; else 0.

    So it is where nothing below 1 is there, and all others are whole numbers below 1000, some of them large."""
    thousandths = weights.astype(np.float64) * 1000
    whole = weights == np.floor(weights)
    parted = thousandths[~whole]
    if parted.size * 20 < weights.size or (np.abs(parted - parted.round()) > ROUNDED).any() or weights.min() < 1 or weights.max() >= 1000:
        return 0.0
    mixed = (weights[whole] >= LARGE).any() and whole.mean() >= WHOLE
    if (parted.round() % 10 != 0).mean() < THOUSANDS or not (decimal_commas or mixed):
        return 0.0
    return float(parted[0] / 1000)


def _are_grades(made: Interactions) -> bool:
    """Whether items are called as grades are: few whole numbers from 0 to 10."""
    return len(made.item_ids) <= GRADES and all(isinstance(one, int) and 0 <= one < GRADES for one in made.item_ids)
