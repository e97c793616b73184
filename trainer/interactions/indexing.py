"""External ids → positions, for columns that are arrays of integers already; and the order of users by bucket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.formats.keys import IDS_PER_BUCKET, Id, bucket_of
from engine.arrays import Array
from engine.fit import row_kernels

_TABLE_SLACK = 1 << 20  # integers whose range is at most 4 n plus this are looked up in a table, others are sorted


def number(values: Array) -> tuple[list[int], Array]:
    """Distinct integers, rising, and the position of each value among them, int32."""
    low, span = int(values.min()), int(values.max()) - int(values.min()) + 1
    if span <= 4 * values.size + _TABLE_SLACK:
        distinct, positions = row_kernels.number(values, low, span)
    else:
        distinct, positions = np.unique(values, return_inverse=True)
    return distinct.tolist(), positions.astype(np.int32, copy=False)


def joined(parts: list[Array]) -> Array:
    """The parts end to end; each is let go as soon as it is copied."""
    out = np.empty(sum(part.size for part in parts), parts[0].dtype)
    at = 0
    while parts:
        part = parts.pop(0)
        out[at : at + part.size] = part
        at += part.size
    return out


def by_bucket(ids: Sequence[Id], positions: Array) -> tuple[Sequence[Id], Array, Array]:
    """`ids` ordered by bucket, then as they were; `positions` changed alike; ends of the buckets, int64."""
    order, ends = bucket_order(ids)
    place = np.empty(len(ids), np.int32)
    place[order] = np.arange(len(ids), dtype=np.int32)
    return [ids[at] for at in order.tolist()], place[positions], ends


def bucket_order(ids: Sequence[Id]) -> tuple[Array, Array]:
    """Positions in `ids` ordered by bucket, then as they were, int32; ends of the buckets, int64."""
    n_buckets = n_buckets_for(len(ids))
    buckets = np.fromiter((bucket_of(value, n_buckets) for value in ids), np.int64, len(ids))
    return np.argsort(buckets, kind="stable").astype(np.int32), np.cumsum(np.bincount(buckets, minlength=n_buckets))


def n_buckets_for(n_ids: int) -> int:
    return max(1, -(-n_ids // IDS_PER_BUCKET))


def last_times(item_idx: Array, time: Array | None, n_items: int) -> dict[str, Array]:
    """When each item was last met, epoch seconds, by the name that an artifact gives it; nothing without times. Each item occurs."""
    if time is None:
        return {}
    last = np.full(n_items, time.min(), np.int64)
    np.maximum.at(last, item_idx, time)
    return {"item_last": last}
