"""Pictures as numbers: the templates draw them as SVG, without a script and without a style of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 320.0, 110.0
RIGHT, TOP, BOTTOM = 8.0, 14.0, 18.0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    says: str
    count: int


@dataclass(frozen=True, slots=True)
class BarChart:
    title: str
    bars: tuple[Bar, ...]
    left: str
    right: str
    says: str


def bar_chart(title: str, counts: Sequence[int], left: str, right: str, what: str, ranges: Sequence[str] = ()) -> BarChart:
    """A histogram: bars of equal width from `left` to `right`. `what`: of what these are counts."""
    most, total, wide = max(counts, default=0) or 1, sum(counts) or 1, (WIDTH - 2 * RIGHT) / max(1, len(counts))
    full = HEIGHT - TOP - BOTTOM
    bars = []
    for at, count in enumerate(counts):
        tall = max(1.0, full * count / most) if count else 0.0
        where = ranges[at] if ranges else f"part {at + 1} of {len(counts)}"
        bars.append(
            Bar(
                round(RIGHT + wide * at + 1, 1),
                round(TOP + full - tall, 1),
                round(wide - 2, 1),
                round(tall, 1),
                f"{where}: {count:,} {what}",
                count,
            )
        )
    shares = ", ".join(f"{100 * count / total:.0f} %" for count in counts)
    return BarChart(title, tuple(bars), left, right, f"{title}, from {left} to {right}: {shares} of {sum(counts):,} {what}.")


def histogram(title: str, values: Sequence[float], what: str, n_bins: int = 10, spell: str = "{:.2f}") -> BarChart | None:
    """`values` in `n_bins` equal parts of their range; None for no values, or where all of them are the same."""
    if not values or min(values) == max(values):
        return None
    low, high = min(values), max(values)
    span = high - low
    counts = [0] * n_bins
    for value in values:
        counts[min(n_bins - 1, int((value - low) / span * n_bins))] += 1
    ends = [spell.format(low + span * at / n_bins) for at in range(n_bins + 1)]
    return bar_chart(title, counts, ends[0], spell.format(high), what, [f"{a} to {b}" for a, b in pairwise(ends)])


def doubling(title: str, values: Sequence[int], what: str) -> BarChart | None:
    """Counts of 1 and more in bins each twice as wide as the one before: 1, 2 to 3, 4 to 7, ...; None for no values."""
    if not values:
        return None
    counts = [0] * max(values).bit_length()
    for value in values:
        counts[value.bit_length() - 1] += 1
    ranges = [f"{2**at:,} to {2 ** (at + 1) - 1:,}" if at else "1" for at in range(len(counts))]
    return bar_chart(title, counts, "1", f"{2 ** len(counts) - 1:,}, in bins that double", what, ranges)
