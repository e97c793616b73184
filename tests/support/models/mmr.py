"""Maximal marginal relevance in a few lines of NumPy, from plain matrices."""

from __future__ import annotations

import numpy as np

from engine.arrays import Array

Ranked = list[tuple[int, float]]


def likeness(similarity: Array) -> Array:
    """max(0, S[i, j], S[j, i]) / √(strongest[i] · strongest[j]), float64; 0 where nothing is positive."""
    weights = np.maximum(0, np.maximum(similarity, similarity.T)).astype(np.float64)
    strongest = weights.max(axis=1)
    scale = np.sqrt(strongest[:, None] * strongest[None, :])
    found: Array = np.divide(weights, scale, out=np.zeros_like(weights), where=weights > 0)
    return found


def mmr(pool: Ranked, alike: Array, diversity: float, depth: int) -> Ranked:
    """Of (item, score), best first: one after the other that with the greatest value, of equals the first of the pool."""
    scores, left = [score for _, score in pool], list(pool)
    chosen: Ranked = []
    low, span = min(scores, default=0), max(scores, default=0) - min(scores, default=0)
    while left and len(chosen) < depth:
        relevance = [(score - low) / span if span else 1.0 for _, score in left]
        near = [max((alike[item, above] for above, _ in chosen), default=0.0) for item, _ in left]
        values = [(1 - diversity) * rel - diversity * close for rel, close in zip(relevance, near, strict=True)]
        chosen.append(left.pop(int(np.argmax(values))))
    return chosen
