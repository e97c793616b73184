"""Contributors as lists, and explained in plain NumPy."""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.score.explain import Contributors

Pairs = list[tuple[int, float]]


def of_items(made: Contributors) -> list[list[Pairs]]:
    """For each user and listed item the contributors: (item_idx, share), strongest first."""
    out: list[list[Pairs]] = []
    for user, n in enumerate(made.lengths.tolist()):
        slots = [slice(at, at + count) for at, count in zip(_starts(made, user, n), made.counts[user, :n].tolist(), strict=True)]
        out.append([list(zip(made.items[part].tolist(), made.shares[part].tolist(), strict=True)) for part in slots])
    return out


def _starts(made: Contributors, user: int, n: int) -> list[int]:
    return [int(made.first[user]) + rank * int(made.width[user]) for rank in range(n)]


def explained(affinity: Array, column: Array, depth: int, prior: float = 0.0) -> Pairs:
    """The strongest of affinity[j] · column[j], with shares of their sum and the prior; both are vectors over all items."""
    terms = affinity.astype(np.float32).astype(np.float64) * column.astype(np.float32)
    best = sorted(np.flatnonzero(terms).tolist(), key=lambda item: (-abs(terms[item]), item))[:depth]
    return [(item, float(np.float32(terms[item] / (terms.sum() + prior)))) for item in best]
