"""The gate: whether a new generation is good enough to take the place of the current one. Figures in, findings out.

rule                                                    setting                   outcome
a ranking metric fell by more than that part            gate_max_metric_drop      refused
evaluations differ in split or users, or one is missing                           waits for a review
nDCG below that of popularity                           gate_popularity           warning, refused, or nothing
users, items: more than that part is missing            gate_max_users_drop, gate_max_items_drop   refused
the latest interaction is older than that many days     gate_max_data_age_days    refused
the latest interaction is older than the current one's                            warning
types of ids, columns, times, or the table, are others  (reading, drift, same_table)   refused, or warning

Models whose k is the same are compared at k, others at GATE_DEPTH, where each is measured as well.
How full lists are is known when they are written: `minimums` says what the promote script compares then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.formats.evaluation import GATE_DEPTH, Evaluation, Figures, Metrics, NotEvaluated
from contract.settings.settings import GateSettings

TOLERANCE = 1e-6  # relative: last digits may differ between machines; even with a bound of 0 the same data pass
COMPARED = {"ndcg": "nDCG", "precision": "precision", "recall": "recall", "map": "MAP"}
_DAY = timedelta(days=1)


class Finding(BaseModel):
    """`limit`: the setting. `new`, `old`: the figures that were compared; `old` is the current generation's, or a bound."""

    model_config = ConfigDict(frozen=True)

    limit: str
    new: float | str | None
    old: float | str | None
    message: str


class Judgement(BaseModel):
    """What speaks against a generation: `failures` forbid its promotion, `doubts` leave it to a person, `warnings` do neither."""

    model_config = ConfigDict(frozen=True)

    failures: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

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


def judge(new: Figures, old: Figures | None, limits: GateSettings, now: datetime) -> Judgement:
    """Judge `new` against the current generation, `old`, or against nothing where there is none. `now` knows its time zone."""
    found = [*_beside_popularity(new, limits), *_age(new, limits, now)]
    if old is not None:
        found += [*_metrics(new, old, limits), *_counts(new, old, limits), *_older(new, old)]
    return Judgement(
        failures=tuple(finding for severity, finding in found if severity == "refuse"),
        doubts=tuple(finding for severity, finding in found if severity == "review"),
        warnings=tuple(finding for severity, finding in found if severity == "warn"),
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


Found = tuple[Literal["refuse", "review", "warn"], Finding]


def _metrics(new: Figures, old: Figures, limits: GateSettings) -> Iterator[Found]:
    a, b, limit = new.evaluation, old.evaluation, "gate_max_metric_drop"
    if not isinstance(a, Evaluation) and not isinstance(b, Evaluation):
        return
    pair = _comparable(a, b) if isinstance(a, Evaluation) and isinstance(b, Evaluation) else None
    if pair is None:
        how = {"new": _how(a), "old": _how(b)}
        message = f"the model can't be compared with the current one ({limit}): this one {how['new']}, the current one {how['old']}"
        yield "review", Finding(limit=limit, **how, message=message)
        return
    depth, model, served = pair
    for name, shown in COMPARED.items():
        now, before = _metric(model, name), _metric(served, name)
        if now < (1 - limits.gate_max_metric_drop) * before * (1 - TOLERANCE):
            text = f"{shown} at {depth} is {now:.6f}, {_part(now, before)} below {before:.6f} of the current generation"
            yield "refuse", _finding(limit, now, before, text, limits.gate_max_metric_drop)


def _comparable(a: Evaluation, b: Evaluation) -> tuple[int, Metrics, Metrics] | None:
    """A depth at which both were measured, and both models there; None: they were measured in ways that say nothing of each other.

    Another limit to the users counts only where it left some out: the fewer are measured, the more chance decides.
    """
    fewer = a.sample_users != b.sample_users and min(a.sample_users, b.sample_users) < max(a.n_users_evaluated, b.n_users_evaluated)
    if a.split != b.split or fewer:
        return None
    depth = a.k if a.k == b.k else GATE_DEPTH
    model, served = a.model_at(depth), b.model_at(depth)
    return (depth, model, served) if model and served else None


def _beside_popularity(new: Figures, limits: GateSettings) -> Iterator[Found]:
    measured, how = new.evaluation, limits.gate_popularity
    if how == "off" or not isinstance(measured, Evaluation):
        return
    model, popularity = measured.model.ndcg, measured.popularity.ndcg
    if model < popularity * (1 - TOLERANCE):
        text = f"nDCG at {measured.k} is {model:.6f}, and popularity alone has {popularity:.6f}"
        yield how, _finding("gate_popularity", model, popularity, text, how)


def _counts(new: Figures, old: Figures, limits: GateSettings) -> Iterator[Found]:
    for what, now, before, drop in (
        ("users", new.n_users, old.n_users, limits.gate_max_users_drop),
        ("items", new.n_items, old.n_items, limits.gate_max_items_drop),
    ):
        if now < _least(before, drop):
            text = f"there are {now:,} {what}, {_part(now, before)} below {before:,} of the current generation"
            yield "refuse", _finding(f"gate_max_{what}_drop", now, before, text, drop)


def _age(new: Figures, limits: GateSettings, now: datetime) -> Iterator[Found]:
    limit, days = "gate_max_data_age_days", limits.gate_max_data_age_days
    if not days:
        return
    if new.data_until is None:
        yield "warn", _finding(limit, None, days, "the interactions have no times, so nobody can tell how old they are", days)
        return
    age = (now - datetime.fromisoformat(new.data_until)) / _DAY
    if age > days:
        yield "refuse", _finding(limit, round(age, 2), days, f"the latest interaction, of {new.data_until}, is {age:.1f} days old", days)


def _older(new: Figures, old: Figures) -> Iterator[Found]:
    if new.data_until is None or old.data_until is None:
        return
    if datetime.fromisoformat(new.data_until) < datetime.fromisoformat(old.data_until):
        text = f"the latest interaction is of {new.data_until}, older than {old.data_until} of the current generation (data_until)"
        yield "warn", Finding(limit="data_until", new=new.data_until, old=old.data_until, message=text)


def _metric(metrics: Metrics, name: str) -> float:
    value: float = getattr(metrics, name)
    return value


def _how(evaluation: Evaluation | NotEvaluated | None) -> str:
    if isinstance(evaluation, Evaluation):
        return f"was measured with k = {evaluation.k}, the {evaluation.split} split and at most {evaluation.sample_users:,} users"
    return f"was not measured{'' if evaluation is None else f', since {evaluation.reason}'}"


def _least(before: int, drop: float) -> int:
    return ceil((1 - drop) * before - TOLERANCE)


def _part(now: float, before: float) -> str:
    return f"{100 * (1 - now / before):.1f} %"


def _finding(limit: str, new: float | None, old: float, text: str, bound: float | str) -> Finding:
    shown = bound if isinstance(bound, str) else f"{bound:g}"
    return Finding(limit=limit, new=new, old=old, message=f"{text} ({limit} = {shown})")
