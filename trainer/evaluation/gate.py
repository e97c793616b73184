"""The gate: whether a new generation is good enough to take the place of the current one. Figures in, findings out.

rule                                                    setting                   outcome
worse than the served model, fitted and measured on
the same events, by more than that part and chance      gate_max_metric_drop      refused
a ranking metric fell by more than that part and chance gate_max_metric_drop      refused
evaluations differ in split or users, or one is missing,
and the served model was not measured beside                                      waits for a review
nDCG below that of popularity, by more than chance      gate_popularity           refused, or a warning where nothing is served
users, items: more than that part is missing            gate_max_users_drop, gate_max_items_drop   refused
popular items of the current one are in no interaction  gate_max_known_items_drop                  refused
the latest interaction is older than that many days     gate_max_data_age_days    refused
the latest interaction is older than the current one's                            warning
types of ids, columns, times, or the table, are others  (drift/)                    refused, or warning

How good lists are: quality.py. What became of items: known_items.py.
How full lists are is known when they are written: `minimums` says what the promote script compares then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from pydantic import BaseModel, ConfigDict

from contract.formats.evaluation import Figures
from contract.formats.verdict import Compared
from contract.settings.settings import GateSettings
from trainer.evaluation.findings import Finding, Found, finding, part
from trainer.evaluation.known_items import Known, gone, most_gone
from trainer.evaluation.quality import TOLERANCE, beside_popularity, metrics, of_quality

_DAY = timedelta(days=1)


class Judgement(BaseModel):
    """What speaks against a generation: `failures` forbid its promotion, `doubts` leave it to a person, `warnings` do neither."""

    model_config = ConfigDict(frozen=True)

    failures: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    compared: tuple[Compared, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def because(self) -> str:
        """All failures as one sentence, or nothing."""
        return "; ".join(finding.message for finding in self.failures)

    @property
    def doubt(self) -> str:
        """All doubts as one sentence, or nothing."""
        return "; ".join(finding.message for finding in self.doubts)


class Minimums(BaseModel):
    """What a new generation must hold at the least. `min_items_listed`: items of a list on average."""

    model_config = ConfigDict(frozen=True)

    min_users: int = 0
    min_items: int = 0
    min_items_listed: float = 0.0


def judge(new: Figures, old: Figures | None, limits: GateSettings, now: datetime, known: Known | None = None) -> Judgement:
    """Judge `new` against the current generation, `old`, or against nothing where there is none. `now` knows its time zone.

    `known`: what became of the popular items of `old`, where somebody has looked.
    """
    found = [*beside_popularity(new, limits, is_first=old is None), *_age(new, limits, now)]
    if old is not None:
        found += [*metrics(new, old, limits), *_counts(new, old, limits), *_older(new, old)]
    if known is not None:
        found += gone(known, limits)
    return Judgement(
        failures=tuple(finding for severity, finding in found if severity == "refuse"),
        doubts=tuple(finding for severity, finding in found if severity == "review"),
        warnings=tuple(finding for severity, finding in found if severity == "warn"),
        compared=(*of_quality(new, old, limits), *_compared(new, old, limits, now, known)),
    )


def minimums(old: Figures | None, limits: GateSettings, depth: int) -> Minimums:
    """The least counts that pass against `old`, for lists of at most `depth` items.

    Where lists become shorter by their settings, the average length may become so in proportion: each list keeps that part at least.
    """
    if old is None:
        return Minimums()
    listed = (old.items_listed or 0.0) * min(1.0, depth / old.depth)
    return Minimums(
        min_users=_least(old.n_users, limits.gate_max_users_drop),
        min_items=_least(old.n_items, limits.gate_max_items_drop),
        min_items_listed=(1 - limits.gate_max_fill_drop) * listed,
    )


def _compared(new: Figures, old: Figures | None, limits: GateSettings, now: datetime, known: Known | None) -> Iterator[Compared]:
    if old is not None:
        for name, after, before, drop in _sizes(new, old, limits):
            yield Compared(name=name, limit=f"gate_max_{name}_drop", old=before, new=after, bound=_least(before, drop))
    if known is not None and known.n:
        name, limit = "popular items that are gone", "gate_max_known_items_drop"
        yield Compared(name=name, limit=limit, old=None, new=len(known.gone), bound=most_gone(known, limits), is_most=True)
    if limits.gate_max_data_age_days and new.data_until is not None:
        days, limit = limits.gate_max_data_age_days, "gate_max_data_age_days"
        yield Compared(
            name="days since the latest interaction", limit=limit, old=None, new=_days(new.data_until, now), bound=days, is_most=True
        )


def _sizes(new: Figures, old: Figures, limits: GateSettings) -> tuple[tuple[str, int, int, float], ...]:
    """What is counted, now and before, and what part of it may be missing."""
    return (
        ("users", new.n_users, old.n_users, limits.gate_max_users_drop),
        ("items", new.n_items, old.n_items, limits.gate_max_items_drop),
    )


def _counts(new: Figures, old: Figures, limits: GateSettings) -> Iterator[Found]:
    for what, now, before, drop in _sizes(new, old, limits):
        if now < _least(before, drop):
            text = f"there are {now:,} {what}, {part(now, before)} below {before:,} of the current generation"
            yield "refuse", finding(f"gate_max_{what}_drop", now, before, text, drop)


def _age(new: Figures, limits: GateSettings, now: datetime) -> Iterator[Found]:
    limit, days = "gate_max_data_age_days", limits.gate_max_data_age_days
    if not days:
        return
    if new.data_until is None:
        yield "warn", finding(limit, None, days, "the interactions have no times, so nobody can tell how old they are", days)
        return
    age = _days(new.data_until, now)
    if age > days:
        yield "refuse", finding(limit, round(age, 2), days, f"the latest interaction, of {new.data_until}, is {age:.1f} days old", days)


def _older(new: Figures, old: Figures) -> Iterator[Found]:
    if new.data_until is None or old.data_until is None:
        return
    if datetime.fromisoformat(new.data_until) < datetime.fromisoformat(old.data_until):
        text = f"the latest interaction is of {new.data_until}, older than {old.data_until} of the current generation (data_until)"
        yield "warn", Finding(limit="data_until", new=new.data_until, old=old.data_until, message=text)


def _days(since: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(since)) / _DAY


def _least(before: int, drop: float) -> int:
    return ceil((1 - drop) * before - TOLERANCE)
