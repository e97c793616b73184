"""The candidates of a tune as inline SVG: each gain over the settings as they are, with its interval."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from contract.formats.reports.tuned import Measured, Tuned

WIDTH, LABEL, MARGIN, ROW = 1100, 640, 20, 22
SHOWN = 20


def svg(found: Tuned) -> str:
    """A file of its own; the winner is filled dark, the line is where nothing is gained."""
    shown = list(found.tried[:SHOWN])
    low, high = min(0.0, *(each.low for each in shown)), max(0.0, *(each.high for each in shown))
    span = (high - low) or 1.0

    def x(gain: float) -> float:
        return LABEL + (WIDTH - LABEL - MARGIN) * (gain - low) / span

    rows = "".join(_row(at, each, x, each.arguments == found.winner.arguments) for at, each in enumerate(shown, start=1))
    height = ROW * (len(shown) + 2)
    title = f"{found.source}: gain in nDCG@10 over the settings as they are, {found.n_users_measured:,} users"
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{ROW}" y2="{height - ROW}" stroke="#888"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="8" y="15">{escape(title)}</text>{zero}{rows}'
        f'<text x="{x(low):.1f}" y="{height - 6}">{100 * low:+.0f} %</text>'
        f'<text x="{x(high):.1f}" y="{height - 6}" text-anchor="end">{100 * high:+.0f} %</text></svg>\n'
    )


def _row(at: int, each: Measured, x: Callable[[float], float], wins: bool) -> str:
    middle = ROW * at + ROW / 2
    color, weight = ("#0b6e4f", ' font-weight="bold"') if wins else ("#7aa6c2", "")
    name = escape(each.arguments or "--model sar")
    return (
        f'<text x="8" y="{middle + 4}"{weight}>{name}</text>'
        f'<line x1="{x(each.low):.1f}" x2="{x(each.high):.1f}" y1="{middle}" y2="{middle}" stroke="{color}" stroke-width="3"/>'
        f'<circle cx="{x((each.low + each.high) / 2):.1f}" cy="{middle}" r="5" fill="{color}"><title>{each.gain:+.3f}</title></circle>'
    )
