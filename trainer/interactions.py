"""Interactions: validated, indexed columns of equal length, with their external ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from contract.errors import DataError
from contract.keys import Id, bucket_of

USERS_PER_BUCKET = 64
MAX_WEIGHT = 1e15
MAX_ID_BYTES = 512
_CANONICAL = r"^(-?[1-9][0-9]{0,17}|0)$"

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Interactions:
    """Events of users with items.

    user_ids are in the order of user_idx: by bucket, then by id, so that a range of users is a range of whole buckets.
    item_ids are sorted. user_idx, item_idx int32; weight float32, positive; time int64 epoch seconds, or None.
    """

    source: str
    user_ids: Sequence[Id]
    item_ids: Sequence[Id]
    bucket_ends: Array
    user_idx: Array
    item_idx: Array
    weight: Array
    time: Array | None
    dropped: Mapping[str, int]

    @property
    def data_until(self) -> str | None:
        if self.time is None:
            return None
        return datetime.fromtimestamp(int(self.time.max()), UTC).isoformat().replace("+00:00", "Z")


def from_frame(frame: pl.DataFrame, source: str) -> Interactions:
    """Validate and index a frame with the columns user, item, weight (float) and, optionally, time (float epoch seconds).

    Rows without a value, or without a positive finite weight, are dropped and counted. Raises DataError when nothing is left.
    """
    n_rows = frame.height
    complete = frame.drop_nulls()
    kept = complete.filter(pl.col("weight").is_finite() & (pl.col("weight") > 0))
    dropped = {"missing value": n_rows - complete.height, "weight not positive": complete.height - kept.height}
    if kept.is_empty():
        counts = ", ".join(f"{n:,} with {reason}" for reason, n in dropped.items() if n)
        raise DataError(f"{source}: no interaction is left of {n_rows:,} rows{': ' if counts else ''}{counts}")
    heaviest = float(kept.select(pl.col("weight").max()).item())
    if heaviest > MAX_WEIGHT:
        raise DataError(f"{source}: a weight is {heaviest:g}; weights above {MAX_WEIGHT:g} can't be told apart in float32: rescale them")
    users, items = _unique_ids(kept["user"], source), _unique_ids(kept["item"], source)
    n_buckets = n_buckets_for(len(users))
    buckets = np.fromiter((bucket_of(user, n_buckets) for user in users), np.int64, len(users))
    by_bucket = np.argsort(buckets, kind="stable").tolist()
    users = [users[at] for at in by_bucket]
    return Interactions(
        source=source,
        user_ids=users,
        item_ids=items,
        bucket_ends=np.cumsum(np.bincount(buckets, minlength=n_buckets)),
        user_idx=_positions(kept["user"], users),
        item_idx=_positions(kept["item"], items),
        weight=kept["weight"].cast(pl.Float32).to_numpy(),
        time=kept["time"].cast(pl.Int64).to_numpy() if "time" in kept.columns else None,
        dropped={reason: n for reason, n in dropped.items() if n},
    )


def n_buckets_for(n_ids: int) -> int:
    return max(1, -(-n_ids // USERS_PER_BUCKET))


def _unique_ids(column: pl.Series, source: str) -> list[Id]:
    """Sorted ids of a column: integers if all are canonical integers, else strings (by code point)."""
    unique = column.unique()
    if unique.dtype.is_integer():
        return list(unique.sort().to_list())
    text = unique.cast(pl.String)
    if bool(text.str.contains(_CANONICAL).all()):
        return list(text.cast(pl.Int64).sort().to_list())
    too_long = text.filter(text.str.len_bytes() > MAX_ID_BYTES)
    if not too_long.is_empty():
        first = too_long.to_list()[0]
        raise DataError(
            f"{source}: the {column.name} id {first[:40]!r}... has {len(first.encode())} bytes; ids may have up to {MAX_ID_BYTES}"
        )
    return sorted(text.to_list())


def _positions(column: pl.Series, ids: Sequence[Id]) -> Array:
    """For every row the position of its id in `ids`, int32."""
    if column.dtype.is_integer():
        known = np.asarray(ids, dtype=np.int64)
        order = np.argsort(known, kind="stable")
        return order[np.searchsorted(known[order], column.to_numpy())].astype(np.int32)
    labels = pl.Series([str(value) for value in ids], dtype=pl.String)
    return column.cast(pl.String).cast(pl.Enum(labels)).to_physical().cast(pl.Int32).to_numpy()
