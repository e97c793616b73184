"""When interactions look so unlike those of the current generation that something else was read, under the same names.

what                                                             refused                     warning
rows fewer than before                                           gate_max_rows_drop          a third of that
rows left out for a reason, as a part of all                     10 points more              2 points more
rows that are another one again, as a part of all                10 points more
weights: distance of the distributions (Kolmogorov-Smirnov)      0.25                        0.12
rows per user, rows per item                                     3 times as many, or a third; per item, beyond what more users explain
with a target, each type of events as a part of all              3 times as much, or a third; from 1 % on
the newest time                                                  earlier by 2 days and a 20th of the span
the span of times                                                a fifth, or twice as long for rows that did not grow likewise
all times moved by whole quarters of an hour                     to the second
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from contract.settings.settings import GateSettings
from trainer.evaluation.drift.reading import Reading, changed
from trainer.evaluation.findings import Finding, Found, reads_otherwise
from trainer.interactions.profile import Profile
from trainer.interactions.targets import KINDS

FEW_ROWS = 100  # of fewer, chance makes what it likes
LOST = {"refuse": 0.10, "warn": 0.02}
REPEATED = 0.10
WEIGHTS = {"refuse": 0.25, "warn": 0.12}
DENSITY = 3.0
TYPE = 0.01  # of the rows: a type of events that has fewer comes and goes
SCATTERED = 2.0
_DAY, _QUARTER, _ZONES = 86_400, 900, 14 * 3600


def drifted(new: Reading, old: Reading, limits: GateSettings) -> Iterator[Found]:
    """What is so unlike the current generation that it forbids promotion, or is worth a warning."""
    a, b = new.profile, old.profile
    if a is None or b is None or min(a.rows, b.rows) < FEW_ROWS:
        return
    yield from _rows(a, b, limits.gate_max_rows_drop)
    yield from _lost(new, old)
    if a.repeated > b.repeated + REPEATED:
        what = f"{_percent(a.repeated)} of the rows are another row again, of the current generation's {_percent(b.repeated)}"
        yield "refuse", reads_otherwise(what, a.repeated, b.repeated)
    yield from _weights(a, b)
    more_users = max(1.0, a.users / b.users)
    for what, now, before, grown in (
        ("user", a.rows_per_user, b.rows_per_user, 1.0),
        ("item", a.rows_per_item, b.rows_per_item, more_users),
    ):
        if not 1 / DENSITY < now / before < DENSITY * grown:
            yield "refuse", reads_otherwise(f"there are {now:.1f} rows per {what}, in the current generation {before:.1f}", now, before)
    if new.target == old.target:
        yield from _types(new, old)
    yield from _times(a, b)


def unlike(new: Reading, old: Reading, limits: GateSettings) -> list[str]:
    """All that is said of how one generation was read beside another, be it refused or not."""
    said = [*changed(new, old), *(finding for _, finding in drifted(new, old, limits))]
    return [finding.message for finding in said]


def distance(a: Profile, b: Profile) -> float:
    """The greatest difference between two distributions of weights, from 0 to 1, beyond what chance makes of so many rows."""
    values = np.union1d(a.weights, b.weights)
    parts = [np.searchsorted(one.weights, values, "right") / len(one.weights) for one in (a, b)]
    return float(np.abs(parts[0] - parts[1]).max()) - 1.5 * float(np.sqrt(1 / a.rows + 1 / b.rows))


def _rows(a: Profile, b: Profile, limit: float) -> Iterator[Found]:
    fallen = 1 - a.rows / b.rows
    if fallen > limit / 3:
        what = f"there are {a.rows:,} interactions, {_percent(fallen)} below {b.rows:,} of the current generation"
        message = f"{what} (gate_max_rows_drop = {limit:g})"
        yield "refuse" if fallen > limit else "warn", Finding(limit="gate_max_rows_drop", new=a.rows, old=b.rows, message=message)


def _lost(new: Reading, old: Reading) -> Iterator[Found]:
    now, before = (_shares(one.lost, one.rows) for one in (new, old))
    for reason in now:
        more = now[reason] - before.get(reason, 0.0)
        if more > LOST["warn"]:
            was = _percent(before.get(reason, 0.0))
            what = f"{_percent(now[reason])} of the rows were left out with {reason}, for the current generation {was}"
            yield "refuse" if more > LOST["refuse"] else "warn", reads_otherwise(what, now[reason], before.get(reason, 0.0))


def _types(new: Reading, old: Reading) -> Iterator[Found]:
    """Of a type that a reading does not name, since it names so many others, is known that it has no more rows than the last of these."""
    now, before = (_shares(one.events, max(one.n_events, sum(one.events.values()))) for one in (new, old))
    least = min(now.values(), default=0.0) if len(now) >= KINDS else 0.0
    for kind, there in before.items() if now else ():
        here = now.get(kind, least)
        more = kind in now and here > 0 and here >= DENSITY * there
        if max(here, there) >= TYPE and (more or here <= there / DENSITY):
            part = _percent(here) if kind in now or not least else f"at most {_percent(here)}"
            what = f"{part} of the events are of the type {kind[:40]!r}, in the current generation {_percent(there)}"
            yield "refuse", reads_otherwise(what, here, there)


def _shares(lost: Mapping[str, int], rows: int) -> dict[str, float]:
    return {reason: n / rows for reason, n in lost.items()} if rows else {}


def _weights(a: Profile, b: Profile) -> Iterator[Found]:
    apart = distance(a, b)
    if apart > WEIGHTS["warn"]:
        what = f"weights are {_spread(a.weights)}, those of the current generation {_spread(b.weights)}"
        yield "refuse" if apart > WEIGHTS["refuse"] else "warn", reads_otherwise(what, _spread(a.weights), _spread(b.weights))


def _times(a: Profile, b: Profile) -> Iterator[Found]:
    if a.newest is None or b.newest is None or a.oldest is None or b.oldest is None or a.span is None or b.span is None:
        return
    if b.newest - a.newest > max(2 * _DAY, (b.newest - b.oldest) // 20):
        what = f"the newest time is of {_day(a.newest)}, that of the current generation of {_day(b.newest)}"
        yield "refuse", reads_otherwise(what, _day(a.newest), _day(b.newest))
    scattered = a.span > SCATTERED * b.span and b.span >= 7 * _DAY and a.rows < (1 + a.span / b.span) / 2 * b.rows
    if (b.span >= 7 * _DAY and a.span < b.span / 5) or scattered:
        now, before = (f"{one.span / _DAY:.1f} days" for one in (a, b) if one.span is not None)
        yield "refuse", reads_otherwise(f"nine in ten times lie within {now}, those of the current generation within {before}", now, before)
    moved = a.oldest - b.oldest
    if moved and moved % _QUARTER == 0 and abs(moved) <= _ZONES and a.to_the_second and b.to_the_second:
        what = f"the oldest time was moved by {moved / 3600:+g} hours to {_second(a.oldest)}, as if by a time zone"
        yield "refuse", reads_otherwise(what, _second(a.oldest), _second(b.oldest))


def _spread(weights: tuple[float, ...]) -> str:
    return f"{weights[0]:g} to {weights[-1]:g}, half of them up to {weights[len(weights) // 2]:g}"


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def _day(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d}"


def _second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"
