"""Any model where something is known of items: columns of items that few have met are mixed with those of items like them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from contract.settings.settings import ModelSettings
from engine.arrays import Allocate, Array, Report
from engine.fit import rows as sar
from engine.fit import similarity
from engine.linear.column_kernels import transposed
from engine.linear.matrix import Columns, Limits
from engine.linear.nearest import nearest, nearest_of_tiles
from engine.models.newcomers import Mix, Parameters
from trainer.fitting.counts import Counts
from trainer.interactions.interactions import Interactions


class Similar(NamedTuple):
    """What lists of similar items are wanted: their depth, and item_idx that are in none."""

    depth: int
    left_out: Array

    def mask(self, n_items: int) -> Array:
        left_out = np.zeros(n_items, np.bool_)
        left_out[self.left_out] = True
        return left_out


def mix_of(interactions: Interactions, indices: Array, model: ModelSettings, limits: Limits) -> Mix | None:
    """None where nothing is known of items. `indices`: of the rows of distinct pairs."""
    if interactions.content is None or not model.new_items:
        return None
    n_users = np.bincount(indices, minlength=len(interactions.item_ids))
    return Mix.of(interactions.content, n_users, Parameters(model.new_items, model.new_items_gain), limits)


def known_of(interactions: Interactions) -> Mapping[str, Array]:
    """What numbers follow from besides interactions and settings."""
    return interactions.content.arrays() if interactions.content is not None else {}


def similar_rows(parts: tuple[Array, Array, Array]) -> Mapping[str, Array]:
    """As an artifact names them."""
    return dict(zip(("similar_indptr", "similar_indices", "similar_data"), parts, strict=True))


def written_columns(matrix: Columns, allocate: Allocate) -> similarity.Fitted:
    indptr, item_idx, values = matrix.to_rows()
    for name, part in (("indptr", indptr), ("indices", item_idx), ("data", values)):
        allocate(f"similarity_{name}", part.dtype, part.shape)[...] = part
    return similarity.Fitted("sparse", matrix.row_work)


def fit_sar(
    interactions: Interactions,
    rows: sar.Rows,
    model: ModelSettings,
    allocate: Allocate,
    limits: Limits,
    report: Report,
    similar: Similar | None,
    counts: Counts,
) -> tuple[similarity.Fitted, Mapping[str, Array]]:
    """SAR's similarity where `allocate` puts it, mixed where something is known of items; then the similar items, too."""
    n_items, how = len(interactions.item_ids), {"threads": limits.threads, "limit_bytes": limits.memory_bytes, "report": report}
    mix = mix_of(interactions, rows.indices, model, limits)
    if mix is None:
        return counts.similarity(rows, n_items, model, allocate, **how), {}
    held: dict[str, Array] = {}

    def keep(name: str, dtype: np.typing.DTypeLike, shape: tuple[int, ...]) -> Array:
        held[name] = allocate(name, dtype, shape) if name == "similarity" else np.zeros(shape, dtype)
        return held[name]

    made = counts.similarity(rows, n_items, model, keep, **how)
    wants = similar is not None and similar.depth > 0
    if made.layout == "dense":
        mix.tiles(held["similarity"])
        near = nearest_of_tiles(held["similarity"], similar.depth, similar.mask(n_items), limits.threads) if wants and similar else None
    else:
        found = Columns(*transposed(*(held[f"similarity_{part}"] for part in ("indptr", "indices", "data"))))
        column = np.repeat(np.arange(n_items), np.diff(found.indptr))
        own = np.zeros(n_items, np.float32)
        own[column[found.item_idx == column]] = found.values[found.item_idx == column]
        mixed = mix.sparse(found, own)
        made = written_columns(mixed, allocate)
        near = nearest(mixed, similar.depth, similar.mask(n_items), limits.threads) if wants and similar else None
    return made, similar_rows(near) if near else {}
