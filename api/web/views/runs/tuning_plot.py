"""What the last tune tried, as numbers that a template draws: each candidate's gain over the settings as they are, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from api.web.views.formats import signed
from contract.formats.reports.tuned import Measured, Tuned

WIDTH, PAD = 320.0, 6.0
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """Ends of its interval and its gain, in the picture."""

    name: str
    says: str
    ndcg: float
    gain: str
    low: float
    high: float
    at: float
    is_winner: bool


@dataclass(frozen=True, slots=True)
class TuningPlot:
    tuned: Tuned
    candidates: tuple[Candidate, ...]
    zero: float
    left: str
    right: str


def tuning_plot(found: Tuned) -> TuningPlot | None:
    """None where nothing was tried."""
    tried = sorted(found.tried, key=lambda each: -each.gain)[:SHOWN]
    if not tried:
        return None
    low, high = min(0.0, *(each.low for each in tried)), max(0.0, *(each.high for each in tried))
    span = (high - low) or 1.0

    def x(gain: float) -> float:
        return round(PAD + (WIDTH - 2 * PAD) * (gain - low) / span, 1)

    def candidate(each: Measured) -> Candidate:
        name = each.arguments or "the settings as they come"
        says = f"{_percent(each.gain)}, between {_percent(each.low)} and {_percent(each.high)}"
        wins = each.arguments == found.winner.arguments
        return Candidate(name, says, each.ndcg, _percent(each.gain), x(each.low), x(each.high), x(each.gain), wins)

    return TuningPlot(found, tuple(map(candidate, tried)), x(0.0), _percent(low), _percent(high))


def _percent(gain: float) -> str:
    return f"{signed(100 * gain, '+.1f')} %"
