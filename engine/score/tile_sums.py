"""Weighted sums of rows of a tile, by LLVM vector code where that is known to work, else by plain Numba: the same bits.

LARDER_KERNELS chooses. "auto" is vector code on x86-64, where 64 or 128 sums stay in registers, if it compiles and adds up. An upgrade of
Numba that it does not survive costs speed, and not the service.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Mapping

import numpy as np

from contract.artifacts.artifact import TILE
from engine.kernel_cache import SWITCH

__all__ = ["add_rows", "add_rows_twice"]

VECTOR_MACHINES = ("x86_64", "AMD64")
log = logging.getLogger("larder.kernels")


def wants_vector_code(environ: Mapping[str, str], machine: str) -> bool:
    """Whether the vector code is asked for, or it is left to the machine and fits this one."""
    switch = environ.get(SWITCH, "auto")
    return switch == "vector" or (switch != "plain" and machine in VECTOR_MACHINES and works())


def works() -> bool:
    """Whether the vector code compiles here, and adds up small integers."""
    tile = np.arange(3 * TILE, dtype=np.float32).reshape(3, TILE)
    rows, weights, out = np.array([2, 0, 2], np.int32), np.array([1, 3, -2], np.float32), np.zeros((2, TILE), np.float32)
    try:
        from engine.score import vector_code

        vector_code.probe(tile, rows, weights, out[0], out[1])
    except Exception as error:  # noqa: BLE001 (of whatever kind a changed compiler raises)
        log.warning("the vector code does not compile here, scoring is slower: %s", str(error)[:200])
        return False
    return bool((out == 3 * tile[0] - tile[2]).all())


if wants_vector_code(os.environ, platform.machine()):
    from engine.score.vector_code import add_rows, add_rows_twice
else:
    from engine.score.plain_code import add_rows, add_rows_twice
