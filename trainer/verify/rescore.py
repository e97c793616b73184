"""Scores computed a second time, in float64 and in another way than the workers do: what published lists are held against.

Of one user, from the arrays of an artifact: P = Σ affinity[t] · similarity[item[t]] over the user's rows, Q the same of unit weights,
both over all items; a prior is added to P. Normalised, as recommenders' SAR rescales, lo = min Q · weight_min, hi = max Q · weight_max
and

    score = (P - lo) / (hi - lo) · (weight_max - weight_min) + weight_min

else score = P · 2 ** exponent. P and Q carry the factor 2 ** -exponent, which cancels in a normalised score. An item is listed if P > 0,
it is not excluded, the user has not met and disliked it and, under exclude_seen, has not interacted with it, or not taken it where a
run has a target. Under rules, a score is multiplied by the item's boost (a negative one divided), and an item is passed over where one
of its categories has its number among the better ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from contract.artifacts.artifact import Array, Artifact
from trainer.verify.category_limits import Categories

_FLOAT32 = np.finfo(np.float32)
_BLOCK_BYTES = 1 << 23  # of similarity, as float64, in memory at a time


@dataclass(frozen=True, slots=True)
class Rescored:
    """All items of one user, by item_idx.

    `scores` float64, -inf for what may not be listed; `doubt` float64, how far a score from float32 sums may be off. `sure` bool: P is
    positive beyond that doubt; `possible` bool: it is positive, or might be. `categories`: None without a limit per category.
    """

    scores: Array
    doubt: Array
    sure: Array
    possible: Array
    categories: Categories | None = None

    def best(self, depth: int) -> list[tuple[int, float]]:
        """The list as (item_idx, score), best first, equal scores by item_idx. Without items of which float32 is not sure, and without
        regard to limits per category."""
        listed = np.flatnonzero(self.sure)
        order = listed[np.lexsort((listed, -self.scores[listed]))][:depth]
        return list(zip(order.tolist(), self.scores[order].tolist(), strict=True))


def rescore(artifact: Artifact, user: int) -> Rescored:
    """Recompute all scores of one user_idx, and apply the rules. Reads the user's rows of the similarity only."""
    found = _unruled(artifact, user)
    categories = Categories.of(artifact)
    if "boost" not in artifact.arrays:
        return replace(found, categories=categories)
    boost = artifact["boost"].astype(np.float64)
    factor = np.where(found.scores < 0, 1 / boost, boost)
    scores = np.where(np.isfinite(found.scores), found.scores * factor, -np.inf)
    # Where rounding might change a score's sign, it might also multiply in place of dividing.
    doubt = found.doubt * np.maximum(factor, np.where(np.abs(found.scores) <= found.doubt, np.maximum(boost, 1 / boost), 0))
    return Rescored(scores, doubt, found.sure, found.possible, categories)


def _unruled(artifact: Artifact, user: int) -> Rescored:
    manifest, model = artifact.manifest, artifact.manifest.settings
    row = slice(int(artifact["indptr"][user]), int(artifact["indptr"][user + 1]))
    items = artifact["indices"][row]
    weights = [artifact["affinity"][row].astype(np.float64)]
    if model.normalize:
        weights.append(artifact["unity"][row].astype(np.float64))
    sums, sizes = _sums(artifact, items, np.stack(weights))
    if "prior" in artifact.arrays:  # of runs whose rows have no exponent and no unit weights
        prior = artifact["prior"].astype(np.float64)
        sums, sizes = sums + prior, sizes + np.abs(prior)
    # n float32 operations one after the other are off by about sqrt(n) half units in the last place; eps is a whole one.
    rounding = float(_FLOAT32.eps) * max(1, items.size) ** 0.5
    total, doubt = sums[0], sizes[0] * rounding + float(_FLOAT32.tiny) * items.size
    allowed = np.ones(manifest.n_items, dtype=bool)
    if model.exclude_seen and "seen_indptr" in artifact.arrays:
        allowed[artifact["seen_indices"][slice(*artifact["seen_indptr"][user : user + 2].tolist())]] = False
    elif model.exclude_seen:
        allowed[items] = False
    if "disliked_indptr" in artifact.arrays:
        first, last = artifact["disliked_indptr"][user : user + 2].tolist()
        allowed[artifact["disliked_indices"][first:last]] = False
    if "excluded" in artifact.arrays:
        allowed[artifact["excluded"]] = False
    possible, sure = (total > -doubt) & (sizes[0] > 0) & allowed, (total > doubt) & allowed
    if not model.normalize:
        scale = 2.0 ** int(artifact["exponent"][user])
        doubt = doubt * scale + float(_FLOAT32.smallest_subnormal)  # decay over years may leave less than float32 can tell
        return Rescored(np.where(allowed, total * scale, -np.inf), doubt, sure, possible)
    low, high = float(sums[1].min()) * manifest.weight_min, float(sums[1].max()) * manifest.weight_max
    span, scale = high - low, manifest.weight_max - manifest.weight_min
    if span <= 0:  # every item scores the same: all at the top of the scale
        return Rescored(np.where(allowed, manifest.weight_max, -np.inf), np.zeros_like(total), sure, possible)
    scores = (total - low) / span * scale + manifest.weight_min
    ends = float(sizes[1].max()) * rounding * manifest.weight_max  # how far lo and hi may be off
    return Rescored(np.where(allowed, scores, -np.inf), (doubt + ends) / span * scale, sure, possible)


def _sums(artifact: Artifact, items: Array, weights: Array) -> tuple[Array, Array]:
    """Per row of `weights` (kinds, rows) the sum of weight · similarity row, and of absolute values: both float64 (kinds, n_items)."""
    n_items = artifact.manifest.n_items
    sums = np.zeros((len(weights), n_items))
    sizes = np.zeros_like(sums)
    if "similarity" not in artifact.arrays:
        indptr, columns, data = (artifact[f"similarity_{part}"] for part in ("indptr", "indices", "data"))
        for at, item in enumerate(items.tolist()):
            part = slice(int(indptr[item]), int(indptr[item + 1]))
            values = weights[:, at, None] * data[part].astype(np.float64)
            sums[:, columns[part]] += values
            sizes[:, columns[part]] += np.abs(values)
        return sums, sizes
    tiles = artifact["similarity"]
    step = max(1, _BLOCK_BYTES // (8 * tiles.shape[2] * max(1, items.size)))
    for start in range(0, tiles.shape[0], step):
        block = tiles[start : start + step, items, :].astype(np.float64)
        place = slice(start * tiles.shape[2], (start + step) * tiles.shape[2])
        sums[:, place] = _side_by_side(weights @ block, n_items - place.start)
        negative = block.min(initial=0.0) < 0  # else the sums are the absolute ones, for weights are positive
        sizes[:, place] = _side_by_side(weights @ np.abs(block), n_items - place.start) if negative else sums[:, place]
    return sums, sizes


def _side_by_side(tiles: Array, width: int) -> Array:
    """(tiles, kinds, 64) as (kinds, items), without what is beyond `width`: the padding of the last tile."""
    return tiles.transpose(1, 0, 2).reshape(tiles.shape[1], -1)[:, :width]
