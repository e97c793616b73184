"""Pictures as numbers: the templates draw them as SVG, without a script and without a style of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 320.0, 110.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 14.0, 18.0


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` decides dashes and marks, so that no line is told from another by colour alone."""

    name: str
    kind: str
    points: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    title: str
    lines: tuple[Line, ...]
    low: str
    high: str
    says: str


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


def line_chart(title: str, names: Sequence[str], series: Sequence[tuple[str, str, Sequence[float | None]]]) -> LineChart | None:
    """`series`: name, kind and a value, or None, for each of `names`, oldest first. None where there is nothing to draw."""
    known = [value for _, _, values in series for value in values if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    pad = (high - low) * 0.1 or abs(high) * 0.05 or 0.5
    bottom, top = low - pad, high + pad
    step = (WIDTH - LEFT - RIGHT) / max(1, len(names) - 1)
    lines = []
    for name, kind, values in series:
        dots = tuple(
            Dot(
                round(LEFT + step * at if len(names) > 1 else (LEFT + WIDTH - RIGHT) / 2, 1),
                round(TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1),
                f"{names[at]}, {name}: {value:.4f}",
            )
            for at, value in enumerate(values)
            if value is not None
        )
        lines.append(Line(name, kind, " ".join(f"{dot.x},{dot.y}" for dot in dots), dots))
    latest = "; ".join(f"{name} {shown[-1]:.4f}" for name, _, values in series if (shown := [v for v in values if v is not None]))
    says = f"{title} of {len(names)} generation{'' if len(names) == 1 else 's'}, between {low:.4f} and {high:.4f}. The latest: {latest}."
    return LineChart(title, tuple(lines), f"{low:.3f}", f"{high:.3f}", says)


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
    """`values` in `n_bins` equal parts of their range; None for no values."""
    if not values:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    counts = [0] * n_bins
    for value in values:
        counts[min(n_bins - 1, int((value - low) / span * n_bins))] += 1
    ends = [spell.format(low + span * at / n_bins) for at in range(n_bins + 1)]
    return bar_chart(title, counts, ends[0], spell.format(high), what, [f"{a} to {b}" for a, b in pairwise(ends)])
