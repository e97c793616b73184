"""Counts for pictures: how active users are, how popular items are, when interactions happened, what they weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from engine.arrays import Array

BARS = 24
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Distribution:
    """Bars from left to right: what each stands for, and how many."""

    title: str
    unit: str
    bars: Sequence[tuple[str, int]]


def of_counts(title: str, unit: str, per_one: Array) -> Distribution:
    """How many users (or items) have 1, 2 to 3, 4 to 7, ... interactions."""
    exponent = np.frexp(per_one)[1] - 1
    counts = np.bincount(exponent)
    return Distribution(title, unit, [(_range(2**at, 2 ** (at + 1) - 1), int(n)) for at, n in enumerate(counts) if at >= exponent.min()])


def of_times(seconds: Array) -> Distribution:
    """Interactions by equal stretches of time, of a day at the least."""
    first, last = int(seconds.min()) // DAY_S, int(seconds.max()) // DAY_S
    n = min(BARS, last - first + 1)
    width = -(-(last - first + 1) // n)
    counts = np.bincount((seconds // DAY_S - first) // width)
    days = (datetime.fromtimestamp((first + at * width) * DAY_S, UTC).date() for at in range(len(counts)))
    return Distribution("Interactions by time", "interactions", [(day.isoformat(), int(n)) for day, n in zip(days, counts, strict=True)])


def of_weights(weights: Array) -> Distribution:
    """Interactions by weight: each weight where there are few different ones, else equal stretches."""
    values = np.unique(weights[: 1 << 20])
    if values.size <= BARS and values.size == np.unique(weights).size:
        counts = [int((weights == value).sum()) for value in values]
        return Distribution("Interactions by weight", "interactions", [(f"{value:g}", n) for value, n in zip(values, counts, strict=True)])
    counts_of, edges = np.histogram(weights.astype(np.float64), bins=BARS)
    bars = [(f"{low:.3g} to {high:.3g}", int(n)) for low, high, n in zip(edges[:-1], edges[1:], counts_of, strict=True)]
    return Distribution("Interactions by weight", "interactions", bars)


def _range(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"
