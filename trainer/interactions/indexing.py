"""External ids → positions, for columns that are arrays of integers already; and the order of users by bucket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from contract.formats.keys import IDS_PER_BUCKET, Id, bucket_of
from engine.arrays import Array
from engine.similarity_matrix import as_plain_array
from trainer.interactions import indexing_kernels as kernels
from trainer.kept.packed import Coded

_TABLE_SLACK = 1 << 20  # integers whose range is at most 4 n plus this are looked up in a table, others are sorted


def factorize(found: list[Array | Coded] | list[Array]) -> tuple[list[int], Array]:
    """Distinct integers of all parts, rising, and the position of each value among them, int32. Empties `found`, to free them."""
    parts = [part if isinstance(part, Coded) else as_plain_array(part) for part in found if part.size]
    found.clear()
    values = [part.values if isinstance(part, Coded) else part for part in parts]
    low, high = min(int(some.min()) for some in values), max(int(some.max()) for some in values)
    n, span = sum(part.size for part in parts), high - low + 1
    if span > 4 * n + _TABLE_SLACK:
        del values
        distinct, positions = np.unique(concatenated(parts, np.int64), return_inverse=True)
        return distinct.tolist(), positions.astype(np.int32, copy=False)
    table = np.zeros(span, np.int32)
    for some in values:
        kernels.mark(as_plain_array(some), low, table)
    del values
    places = np.flatnonzero(table)
    table[places] = np.arange(places.size, dtype=np.int32)
    out, at = np.empty(n, np.int32), 0
    while parts:
        part = parts.pop(0)
        if isinstance(part, Coded):
            part.into(out[at : at + part.size], table[part.values - low])
        else:
            kernels.look_up(part, low, table, out[at : at + part.size])
        at += part.size
    return (places + low).tolist(), out


def counted(positions: Array, n: int) -> Array:
    """How often each of `n` positions occurs, int64. np.bincount would make a copy of int32 in twice the memory."""
    counts = np.zeros(n, np.int64)
    kernels.count(as_plain_array(positions), counts)
    return counts


def concatenated(parts: list[Array | Coded] | list[Array], dtype: npt.DTypeLike | None = None) -> Array:
    """The parts end to end, of the type of the first unless `dtype` says another; each is let go as soon as it is copied."""
    first = parts[0]
    out = np.empty(sum(part.size for part in parts), dtype or (first.values if isinstance(first, Coded) else first).dtype)
    del first
    at = 0
    while parts:
        part = parts.pop(0)
        if isinstance(part, Coded):
            part.into(out[at : at + part.size])
        else:
            out[at : at + part.size] = part
        at += part.size
    return out


def by_bucket(ids: Sequence[Id], positions: Array) -> tuple[Sequence[Id], Array, Array]:
    """`ids` ordered by bucket, then as they were; `positions` changed alike; ends of the buckets, int64."""
    order, ends = bucket_order(ids)
    place = np.empty(len(ids), np.int32)
    place[order] = np.arange(len(ids), dtype=np.int32)
    return [ids[at] for at in order.tolist()], place[positions], ends


def moved(positions: Array, places: Array) -> Array:
    """`positions` with each p at places[p], in their own memory."""
    kernels.look_up(positions, 0, places, positions)
    return positions


def bucket_order(ids: Sequence[Id]) -> tuple[Array, Array]:
    """Positions in `ids` ordered by bucket, then as they were, int32; ends of the buckets, int64."""
    n_buckets = n_buckets_for(len(ids))
    buckets = np.empty(len(ids), np.int64)
    if ids and isinstance(ids[0], int):
        kernels.bucket(np.array(ids, np.int64), n_buckets, buckets)
    else:
        buckets[:] = [bucket_of(value, n_buckets) for value in ids]
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
