"""Types of arrays, and of the two callables that computations take: what makes an array, and what hears of progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy.typing as npt

from contract.artifacts.artifact import Array

__all__ = ["Allocate", "Array", "Report"]

Report = Callable[[int, int], None]
"""Called with what is done and the total."""


class Allocate(Protocol):
    """Makes a zeroed array: in memory, or mapped into an artifact."""

    def __call__(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array: ...
