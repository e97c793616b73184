"""Checks of parameters: what every model refuses, in one form."""

from __future__ import annotations

import math

from contract.errors import SettingsError


def within(model: str, name: str, value: float, least: float, most: float = math.inf, *, open_below: bool = False) -> None:
    """Raises SettingsError unless least <= value <= most (`open_below`: least < value)."""
    if not (math.isfinite(value) and value <= most and (value > least if open_below else value >= least)):
        bounds = f"{'more than' if open_below else 'at least'} {least:g}" + (f" and at most {most:g}" if math.isfinite(most) else "")
        raise SettingsError(f"{model}: {name} is {value:g}; it takes a number that is {bounds}")
