"""A figure over time as numbers that a template draws: dates below, values at the left, every point a link to its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from contract.store.history import RunRecord

WIDTH, HEIGHT = 640.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 14.0, 12.0, 24.0
MOST_POINTS = 120
LEAST_SPAN = 0.1  # of the value: less than that is no change that should fill the height
DATES, VALUES = 5, 3
DAY_S = 86400.0
PARTS = {"second": "%H:%M:%S", "minute": "%H:%M", "short": "%d %b %H:%M", "day": "%d %b %Y"}  # times.js has the same


@dataclass(frozen=True, slots=True)
class Point:
    """`is_refused`: drawn hollow."""

    run: str
    x: float
    y: float
    says: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Date:
    """Of the axis, in UTC. `at`, `part`: the time in epoch seconds and how much of it is spelled, for a script that knows another zone."""

    x: float
    text: str
    at: int
    part: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """`lines`: one for each stretch of runs that passed and compare; `other`: those of what is drawn dashed. `start`, `end`: epoch seconds.

    `latest`: of the latest run that passed; where none has, of the latest.
    """

    title: str
    latest: str
    says: str
    points: tuple[Point, ...]
    lines: tuple[str, ...]
    other: tuple[str, ...]
    dates: tuple[Date, ...]
    values: tuple[tuple[float, str], ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What of a record a timeline shows; None where the record does not have it. `is_measured`: compares only at the same k and split."""

    title: str
    of: Callable[[RunRecord], float | None]
    spell: Callable[[float], str]
    other: Callable[[RunRecord], float | None] = lambda _record: None
    is_measured: bool = False
    axis: Callable[[float], str] | None = None  # where `spell` takes too much room


def when_of(record: RunRecord) -> float:
    return datetime.fromisoformat(record.trained_at).timestamp()


def timeline(figure: Figure, records: Sequence[RunRecord], start: float = 0, end: float = 0) -> Timeline | None:
    """`records` oldest first, all between `start` and `end`; by themselves from the first to the last. None where nothing is known."""
    known = [(record, value) for record in records if (value := figure.of(record)) is not None]
    if not known:
        return None
    known = known[:: -(-len(known) // MOST_POINTS)] if len(known) > MOST_POINTS else known
    others = [(record, value) for record, _ in known if (value := figure.other(record)) is not None]
    start, end = start or when_of(known[0][0]), end or when_of(known[-1][0])
    low, high = _span([value for _, value in [*known, *others]])

    def x(record: RunRecord) -> float:
        wide = WIDTH - LEFT - RIGHT
        return round(LEFT + (wide * (when_of(record) - start) / (end - start) if end > start else wide / 2), 1)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    points = tuple(
        Point(record.run, x(record), y(value), _says(figure, record, value, figure.other(record)), not record.passed)
        for record, value in known
    )
    passed = [(record, value) for record, value in known if record.passed]
    first, last = (passed or known)[0][1], (passed or known)[-1][1]
    return Timeline(
        title=figure.title,
        latest=figure.spell(last),
        says=f"{figure.title}: {len(known)} run{'' if len(known) == 1 else 's'}, from {figure.spell(first)} to {figure.spell(last)}.",
        points=points,
        lines=_stretches(figure, passed, x, y),
        other=_stretches(figure, [pair for pair in others if pair[0].passed], x, y),
        dates=tuple(_dates(start, end)),
        values=tuple(
            (y(value), (figure.axis or figure.spell)(value)) for value in (low + (high - low) * at / VALUES for at in range(VALUES + 1))
        ),
        start=start,
        end=end,
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    least = LEAST_SPAN * max(abs(low), abs(high)) or 1.0
    pad = max(0.08 * (high - low), (least - (high - low)) / 2, 0.0)
    return (max(0.0, low - pad) if low >= 0 else low - pad), high + pad


def _stretches(
    figure: Figure, known: Sequence[tuple[RunRecord, float]], x: Callable[[RunRecord], float], y: Callable[[float], float]
) -> tuple[str, ...]:
    """Lines end where the figures after them were measured in another way, or on other data."""
    lines: list[list[str]] = []
    before: object = None
    for record, value in known:
        way = (record.source, record.k, record.split) if figure.is_measured else ""
        if way != before:
            lines.append([])
        lines[-1].append(f"{x(record)},{y(value)}")
        before = way
    return tuple(" ".join(line) for line in lines)


def _dates(start: float, end: float) -> list[Date]:
    if end <= start:
        return [_date(round((LEFT + WIDTH - RIGHT) / 2, 1), start, 0)]
    step = (end - start) / (DATES - 1)
    wide = (WIDTH - LEFT - RIGHT) / (DATES - 1)
    return [_date(round(LEFT + wide * at, 1), start + step * at, end - start) for at in range(DATES)]


def _date(x: float, at: float, span: float) -> Date:
    part = "second" if span < 600 else "minute" if span < DAY_S else "short" if span < 5 * DAY_S else "day"
    return Date(x, datetime.fromtimestamp(at, UTC).strftime(PARTS[part]), int(at), part)


def _says(figure: Figure, record: RunRecord, value: float, other: float | None) -> str:
    how = f", k = {record.k}, split by {record.split}" if figure.is_measured else ""
    beside = f"; popularity {figure.spell(other)}" if other is not None else ""
    refused = "; refused" if not record.passed else ""
    return f"{record.run}, {record.trained_at[:16].replace('T', ' ')}: {figure.spell(value)}{beside}{how}{refused}"
