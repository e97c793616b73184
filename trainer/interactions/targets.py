"""Which events are of the target: those that are recommended and measured. Events of all other types speak for them and no more."""

from __future__ import annotations

import difflib
from collections import Counter

import numpy as np
import polars as pl

from contract.errors import DataError
from engine.arrays import Array
from trainer.interactions.indexing import concatenated

KINDS = 20  # types of events that a reading names
_SHOWN = 8
_ALIKE = 0.5


class Targets:
    """Collects, frame by frame, which rows are of the type `target`; `met`: rows of each type."""

    def __init__(self, target: str) -> None:
        self.target, self.met = target, Counter[str]()
        self._parts: list[Array] = []

    def add(self, frame: pl.DataFrame, source: str) -> None:
        """Raises DataError for rows that have no types."""
        if "event" not in frame.columns:
            raise DataError(
                f"{source}: its rows have no types of events, so {self.target[:40]!r} can't be the target: leave out --target, or read a "
                "table with a column of types"
            )
        counts = frame["event"].value_counts()
        self.met.update(dict(zip(counts["event"].to_list(), counts["count"].to_list(), strict=True)))
        self._parts.append((frame["event"] == self.target).to_numpy())

    def keep(self, rows: list[pl.Series]) -> None:
        """Of each frame, only the rows of a mask."""
        self._parts = [part[mask.to_numpy()] for part, mask in zip(self._parts, rows, strict=True)]

    def whole(self, source: str) -> Array:
        """bool, of all rows. Raises DataError where no row is of the target, with the types that there are."""
        found = concatenated(self._parts)
        if not found.any():
            shown = ", ".join(f"{name[:40]} {n:,}" for name, n in self.met.most_common(_SHOWN))
            more = f", and {len(self.met) - _SHOWN:,} more" if len(self.met) > _SHOWN else ""
            near = difflib.get_close_matches(self.target, list(self.met), n=1, cutoff=_ALIKE)
            hint = f". Perhaps --target {near[0][:40]} is meant" if near else ""
            raise DataError(f"{source}: no event is of the type {self.target[:40]!r}; the types are {shown}{more}{hint}")
        return np.ascontiguousarray(found)
