"""How far a share of what was counted may be off."""

from __future__ import annotations

from math import sqrt

from contract.formats.outcomes.report import Interval, Rate

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def wilson(n: int, of: int, z: float = Z95) -> Interval:
    """The score interval of a binomial share (Wilson 1927): within 0 and 1, and wide for few. Without any: from 0 to 1."""
    if not of:
        return Interval(value=0.0, low=0.0, high=1.0)
    share, spread = n / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Interval(value=share, low=max(0.0, middle - half) if n else 0.0, high=min(1.0, middle + half) if n < of else 1.0)


def rate_of(n: int, shown: int, expected: float | None) -> Rate:
    """`expected`: of so many the ranks alone would have made something; its own error is not in the interval."""
    rate = wilson(n, shown)
    if not expected:
        return Rate(n=n, rate=rate)
    scale = shown / expected
    return Rate(n=n, rate=rate, corrected=Interval(value=rate.value * scale, low=rate.low * scale, high=rate.high * scale))
