"""The rows that can be used, column by column as they come, until all are there and the types of ids are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from contract.errors import DataError
from engine.arrays import Array
from trainer.interactions.external_ids import Ids, are_integers, infer_id_type
from trainer.interactions.id_types import IdTypes
from trainer.interactions.limits import TIMES
from trainer.interactions.targets import Targets
from trainer.kept.packed import Coded, Packed


@dataclass(slots=True)
class Columns:
    """Counts in `dropped` what can't be used. `keep_disliked`: weights of 0 or less can be."""

    source: str
    dropped: Counter[str]
    keep_disliked: bool
    targets: Targets | None = None
    n_rows: int = 0
    users: list[Ids] = field(default_factory=list)
    items: list[Ids] = field(default_factory=list)
    weights: list[Array | Coded] = field(default_factory=list)
    times: list[Array] = field(default_factory=list)

    def add(self, frame: pl.DataFrame | Packed) -> None:
        """Raises DataError for times that can't be what they are said to be."""
        self.n_rows += frame.height
        if isinstance(frame, Packed):
            if self._can_take(frame):
                self._take(frame)
                return
            frame = frame.frame()
        kept = _clean(frame, self.dropped, keep_disliked=self.keep_disliked)
        if kept.is_empty():
            return
        self.users.append(infer_id_type(kept["user"]))
        self.items.append(infer_id_type(kept["item"]))
        self.weights.append(kept["weight"].to_numpy())
        if self.targets:
            self.targets.add(kept, self.source)
        if "time" in kept.columns:
            _check_times(kept["time"], self.source)
            self.times.append(kept["time"].cast(pl.Int64).to_numpy())

    def settle(self, ids: IdTypes) -> None:
        """Make the ids of each role of one type; rows that can't be go, and are counted by `ids`."""
        asked = [ids.asked.get(role, "auto") for role in ("user", "item")]
        if all(map(are_integers, (*self.users, *self.items))) and "text" not in asked:
            ids.settle("user", [])  # nothing has to go: it only says what it has trimmed
            ids.settle("item", [])
            return
        weights = [part.whole() if isinstance(part, Coded) else part for part in self.weights]
        users, items = _as_series("user", self.users), _as_series("item", self.items)
        for role, parts, others in (("user", users, items), ("item", items, users)):
            if kept_rows := ids.settle(role, parts):
                others[:] = [part.filter(rows) for part, rows in zip(others, kept_rows, strict=True)]
                weights, self.times = (
                    [part[rows.to_numpy()] for part, rows in zip(column, kept_rows, strict=True)] if column else []
                    for column in (weights, self.times)
                )
                if self.targets:
                    self.targets.keep(kept_rows)
        self.users[:], self.items[:], self.weights[:] = users, items, weights

    def _can_take(self, packed: Packed) -> bool:
        in_range = packed.time is None or (packed.times[0] >= TIMES[0] and packed.times[1] <= TIMES[1])
        return in_range and (packed.lightest > 0 or self.keep_disliked) and self.targets is None

    def _take(self, packed: Packed) -> None:
        self.users.append(packed.user)
        self.items.append(packed.item)
        self.weights.append(packed.weight)
        if packed.time is not None:
            self.times.append(packed.time)


def _as_series(role: str, parts: list[Ids]) -> list[pl.Series]:
    return [pl.Series(role, part.whole()) if isinstance(part, Coded) else part for part in parts]


def _clean(frame: pl.DataFrame, dropped: Counter[str], *, keep_disliked: bool) -> pl.DataFrame:
    """The rows that can be used, with weight as float32; counts the others. `keep_disliked`: those of 0 or less can be."""
    if frame.schema["weight"] == pl.Float32 and not any(column.null_count() for column in frame):
        lightest = frame["weight"].to_numpy().min(initial=np.inf)  # NaN if any is
        if (
            (lightest > 0 or (keep_disliked and lightest > -np.inf))
            and frame["weight"].is_finite().all()
            and ("time" not in frame.columns or frame.schema["time"].is_integer())
        ):
            return frame  # as trainer/sources/values/convert.py gives them
    if "time" in frame.columns:
        frame = frame.with_columns(_epoch_seconds(frame["time"]))
    complete = frame.drop_nulls() if any(column.null_count() for column in frame) else frame
    as_float32 = complete.with_columns(pl.col("weight").cast(pl.Float32))
    weight = complete["weight"].cast(pl.Float64)
    good = weight.is_finite() & ((as_float32["weight"] > 0) | ((weight <= 0) & keep_disliked))
    kept = as_float32 if good.all() else as_float32.filter(good)
    for reason, n in (("missing value", frame.height - complete.height), ("weight not positive", complete.height - kept.height)):
        if n:  # reasons stand in the order in which they were met
            dropped[reason] += n
    return kept


def _epoch_seconds(times: pl.Series) -> pl.Series:
    """Epoch seconds, null for what is not finite."""
    if times.dtype.is_integer():
        return times
    seconds = (times.dt.epoch("s") if times.dtype.is_temporal() else times).cast(pl.Float64)
    return pl.select(pl.when(seconds.is_finite()).then(seconds).alias(times.name)).to_series()


def _check_times(seconds: pl.Series, source: str) -> None:
    values = seconds.to_numpy()
    earliest, latest = float(values.min()), float(values.max())
    if earliest < TIMES[0] or latest > TIMES[1]:
        wrong = latest if latest > TIMES[1] else earliest
        raise DataError(
            f"{source}: a time is {wrong:.15g}, outside the years 1 to 9999; times are epoch seconds: divide milliseconds by 1000"
        )
