"""What a weight and a time may be, at the most."""

from __future__ import annotations

MAX_WEIGHT = 1e15
"""Weights above can't be told apart in float32."""

TIMES = (-62135596800, 253402300799)
"""Epoch seconds of the years 1 to 9999."""

IN_FUTURE = "time in the future"
"""Why a row is left out that lies ahead of this machine's clock."""
