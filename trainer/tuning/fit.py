"""Models fitted in memory, to be measured and forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from trainer.fitting.fit_model import Made, fit_model
from trainer.interactions.interactions import Interactions


class Fit(NamedTuple):
    """A fit, without what candidates that share it differ in."""

    made: Made
    arrays: Mapping[str, Array]

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


def fit_in_memory(interactions: Interactions, model: ModelSettings, *, threads: int, limit_bytes: float) -> Fit:
    """`fit_model`, with arrays of its own. Raises what it raises."""
    arrays: dict[str, Array] = {}

    def allocate(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        arrays[name] = np.zeros(shape, dtype)
        return arrays[name]

    return Fit(fit_model(interactions, model, allocate, threads=threads, limit_bytes=limit_bytes, report=lambda *_: None), arrays)
