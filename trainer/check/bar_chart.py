"""A horizontal bar chart as inline SVG: labels on the left, the bars, what each counts at its end."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, ROW, GAP = 800, 22, 6
LABEL, COUNT = 190, 110  # wide enough for the longest range of weights, and for a count of twelve digits


def bar_chart(title: str, bars: Sequence[tuple[str, int]], unit: str) -> str:
    """`bars` from top to bottom: what each stands for, and how many of `unit`."""
    most = max((n for _, n in bars), default=0) or 1
    rows = "".join(_row(at, label, n, most, unit) for at, (label, n) in enumerate(bars))
    return f'<svg viewBox="0 0 {WIDTH} {ROW * len(bars)}" width="{WIDTH}" role="img" aria-label="{escape(title)}">{rows}</svg>'


def _row(at: int, label: str, n: int, most: int, unit: str) -> str:
    top = ROW * at
    wide = max(1.0, (WIDTH - LABEL - COUNT) * n / most) if n else 0.0  # a count that is not 0 can be seen
    baseline = top + ROW - GAP - 2
    return (
        f"<g><title>{escape(label)}: {n:,} {escape(unit)}</title>"
        f'<text x="{LABEL - GAP}" y="{baseline}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{LABEL}" y="{top + GAP // 2}" width="{wide:.1f}" height="{ROW - GAP}"/>'
        f'<text x="{LABEL + wide + GAP:.1f}" y="{baseline}">{n:,}</text></g>'
    )
