"""Rows whose ids are integers, as arrays that are mapped into memory: an old part then costs a look-up, and nothing is decoded.

A file holds the distinct users and items, rising, then for each row their places among them, the weight and perhaps the time, each array
in as few bytes as it needs. What reads them takes each distinct id once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from trainer.kept import packed_kernels as kernels

Array = npt.NDArray[Any]
SUFFIX = ".rows"
_WORD = 8  # bytes; each array begins at a whole word
_TABLE_SLACK = 1 << 20
_FEW = 256  # weights that are coded
_LOOKED_AT = 1 << 12
_SECONDS = np.iinfo(np.int32)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column by its distinct values: `values[codes]`. Of ids the values rise, and each occurs."""

    values: Array
    codes: Array

    @property
    def size(self) -> int:
        return int(self.codes.size)

    def into(self, out: Array, values: Array | None = None) -> None:
        """Fill `out` with the column, or with what `values` have in the places of its own."""
        if not kernels.decode(self.codes, self.values if values is None else values, out):
            raise ValueError("a code stands for no value")

    def whole(self) -> Array:
        out = np.empty(self.size, self.values.dtype)
        self.into(out)
        return out


@dataclass(frozen=True, slots=True)
class Packed:
    """In place of a frame. `lightest`: the least weight; all are finite. Times are within `times`."""

    user: Coded
    item: Coded
    weight: Coded | Array
    time: Array | None
    lightest: float
    times: tuple[int, int]

    @property
    def height(self) -> int:
        return self.user.size

    @property
    def columns(self) -> list[str]:
        return ["user", "item", "weight", *([] if self.time is None else ["time"])]

    def frame(self) -> pl.DataFrame:
        weight = self.weight.whole() if isinstance(self.weight, Coded) else self.weight
        time = {} if self.time is None else {"time": self.time.astype(np.int64)}
        return pl.DataFrame({"user": self.user.whole(), "item": self.item.whole(), "weight": weight, **time})


def can_be_packed(frame: pl.DataFrame) -> bool:
    types = dict(frame.schema)
    if types.pop("time", pl.Int64) != pl.Int64 or types != {"user": pl.Int64, "item": pl.Int64, "weight": pl.Float32}:
        return False
    return frame.height > 0 and not any(column.null_count() for column in frame) and bool(frame["weight"].is_finite().all())


def write_packed(path: Path, frame: pl.DataFrame) -> dict[str, Any]:
    """What reading it needs, as JSON has it. Raises OSError."""
    user, item = (_code(frame[role].to_numpy()) for role in ("user", "item"))
    weights, few = frame["weight"].to_numpy(), _few(frame["weight"].to_numpy())
    arrays = {"users": user.values, "items": item.values, "user": user.codes, "item": item.codes}
    arrays |= {"weight": weights} if few is None else {"weights": few.values, "weight": few.codes}
    times = (0, 0)
    if "time" in frame.columns:
        seconds = frame["time"].to_numpy()
        times = int(seconds.min()), int(seconds.max())
        short = _SECONDS.min <= times[0] and times[1] <= _SECONDS.max
        arrays["time"] = seconds.astype(np.int32) if short else seconds
    with open(path, "wb") as file:
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)
            file.write(bytes(-array.nbytes % _WORD))
    said = [[name, array.dtype.str, int(array.size)] for name, array in arrays.items()]
    return {"arrays": said, "lightest": float(weights.min()), "times": times, "checksum": _checksum(path)}


def is_whole(path: Path, said: Mapping[str, Any]) -> bool:
    """Whether the bytes are those that were written. Raises OSError."""
    return path.stat().st_size == sum(map(_padded, said["arrays"])) and _checksum(path) == said["checksum"]


def read_packed(path: Path, said: Mapping[str, Any]) -> Packed:
    data = np.memmap(path, np.uint8, "r")
    found: dict[str, Array] = {}
    at = 0
    for name, dtype, n in said["arrays"]:
        found[name] = np.asarray(data[at : at + n * np.dtype(dtype).itemsize]).view(dtype)
        at += _padded((name, dtype, n))
    weight = Coded(found["weights"], found["weight"]) if "weights" in found else found["weight"]
    user, item = Coded(found["users"], found["user"]), Coded(found["items"], found["item"])
    return Packed(user, item, weight, found.get("time"), said["lightest"], (said["times"][0], said["times"][1]))


def _padded(array: Any) -> int:
    n_bytes: int = array[2] * np.dtype(array[1]).itemsize
    return n_bytes + -n_bytes % _WORD


def _checksum(path: Path) -> int:
    return int(kernels.checksum(np.memmap(path, np.uint64, "r")))


def _code(values: Array) -> Coded:
    low, high = int(values.min()), int(values.max())
    span = high - low + 1
    codes: Array
    if span > 4 * values.size + _TABLE_SLACK:
        distinct, codes = np.unique(values, return_inverse=True)
        return Coded(distinct, codes.astype(_unsigned(distinct.size)))
    seen = np.zeros(span, np.bool_)
    kernels.mark(values, low, seen)
    places = np.flatnonzero(seen)
    table: Array = np.zeros(span, _unsigned(places.size))
    table[places] = np.arange(places.size)
    codes = np.empty(values.size, table.dtype)
    kernels.look_up(values, low, table, codes)
    return Coded(places + low, codes)


def _unsigned(n: int) -> type[np.unsignedinteger[Any]]:
    return np.uint16 if n <= 1 << 16 else np.uint32


def _few(weights: Array) -> Coded | None:
    """None where there are many, or some that do not occur at the beginning. By their bytes: there are two zeros."""
    bits = weights.view(np.int32)
    known = np.unique(bits[:_LOOKED_AT])
    if known.size > _FEW:
        return None
    codes = np.searchsorted(known, bits).clip(max=known.size - 1).astype(np.uint8)
    return Coded(known.view(np.float32), codes) if np.array_equal(known[codes], bits) else None
