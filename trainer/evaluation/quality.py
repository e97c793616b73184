"""Rules of the gate on how good lists are: beside popularity, beside the served model, and against what that was worth on its own data.

Chance alone refuses nothing. Side by side, on the same held-out events of the same users, a difference counts from ERRORS standard errors
of the paired difference on. Figures of two runs are of other events, mostly of the same users: there each fall counts from APART
standard errors on, those of both means taken together, which four metrics at once pass by chance once in several hundred runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot

from contract.formats.evaluation import GATE_DEPTH, Evaluation, Figures, Metrics, NotEvaluated, SideBySide
from contract.formats.verdict import Compared
from contract.settings.settings import GateSettings
from trainer.evaluation.findings import Finding, Found, finding, part

TOLERANCE = 1e-6  # relative: last digits may differ between machines; even with a bound of 0 the same data pass
ERRORS = 2.0
APART = 3.0
COMPARED = {"ndcg": "nDCG", "precision": "precision", "recall": "recall", "map": "MAP"}


def of_quality(new: Figures, old: Figures | None, limits: GateSettings) -> Iterator[Compared]:
    """All that the rules below look at, with the least that passes each."""
    a, b, limit = new.evaluation, old.evaluation if old else None, "gate_max_metric_drop"
    if not isinstance(a, Evaluation):
        return
    if old is not None and a.against and (side := a.against.ndcg):
        yield Compared(name=f"nDCG@{side.depth}, same users", limit=limit, old=side.old, new=side.new, bound=_least_beside(side, limits))
    if isinstance(b, Evaluation) and (pair := _comparable(a, b)):
        for shown, now, before, _, least in _each_apart(a, b, *pair, limits):
            yield Compared(name=f"{shown}@{pair[0]}", limit=limit, old=before, new=now, bound=least)
    if limits.gate_popularity != "off":
        alone = a.popularity.ndcg
        least = _least_beside_popularity(alone, a.beside_popularity)
        yield Compared(name=f"nDCG@{a.k}, beside popularity", limit="gate_popularity", old=alone, new=a.model.ndcg, bound=least)


def beside_popularity(new: Figures, limits: GateSettings, *, is_first: bool) -> Iterator[Found]:
    """A model that popularity alone beats: where nothing is served, it is better than nothing."""
    measured, how = new.evaluation, limits.gate_popularity
    if how == "off" or not isinstance(measured, Evaluation):
        return
    model, popularity, pair = measured.model.ndcg, measured.popularity.ndcg, measured.beside_popularity
    if model >= _least_beside_popularity(popularity, pair):
        return
    text = f"nDCG at {measured.k} is {model:.6f}, and popularity alone has {popularity:.6f}{_by(pair)}"
    yield "warn" if is_first else how, finding("gate_popularity", model, popularity, text, how)


def metrics(new: Figures, old: Figures, limits: GateSettings) -> Iterator[Found]:
    """Against the current generation: side by side, and its figures of then."""
    a, b, limit = new.evaluation, old.evaluation, "gate_max_metric_drop"
    if not isinstance(a, Evaluation) and not isinstance(b, Evaluation):
        return
    side = a.against if isinstance(a, Evaluation) else None
    if side and side.ndcg:
        yield from _side_by_side(side.ndcg, limits)
    if side and side.reason:
        text = f"the current model can't be fitted on these interactions, so nobody has compared it on them: {side.reason}"
        yield "warn", Finding(limit=limit, new=None, old=None, message=text)
    pair = _comparable(a, b) if isinstance(a, Evaluation) and isinstance(b, Evaluation) else None
    if pair is not None and isinstance(a, Evaluation) and isinstance(b, Evaluation):
        yield from _apart(a, b, *pair, limits)
    elif not (side and side.ndcg):
        how = {"new": _how(a), "old": _how(b)}
        message = f"the model can't be compared with the current one ({limit}): this one {how['new']}, the current one {how['old']}"
        yield "review", Finding(limit=limit, **how, message=message)


def _side_by_side(pair: SideBySide, limits: GateSettings) -> Iterator[Found]:
    if pair.new < _least_beside(pair, limits):
        text = (
            f"nDCG at {pair.depth} is {pair.new:.6f}, {part(pair.new, pair.old)} below {pair.old:.6f} of the current model, fitted and "
            f"measured on the same events{_by(pair)}"
        )
        yield "refuse", finding("gate_max_metric_drop", pair.new, pair.old, text, limits.gate_max_metric_drop)


def _apart(a: Evaluation, b: Evaluation, depth: int, model: Metrics, served: Metrics, limits: GateSettings) -> Iterator[Found]:
    for shown, now, before, error, least in _each_apart(a, b, depth, model, served, limits):
        if now >= least:
            continue
        by = f", {(before - now) / error:.1f} standard errors" if error else ""
        text = f"{shown} at {depth} is {now:.6f}, {part(now, before)} below {before:.6f} of the current generation{by}"
        yield "refuse", finding("gate_max_metric_drop", now, before, text, limits.gate_max_metric_drop)


def _each_apart(
    a: Evaluation, b: Evaluation, depth: int, model: Metrics, served: Metrics, limits: GateSettings
) -> Iterator[tuple[str, float, float, float, float]]:
    """Each metric that is compared: its name, now and before, the error of their difference, and the least that passes."""
    for name, shown in COMPARED.items():
        now, before = float(getattr(model, name)), float(getattr(served, name))
        error = _error_apart(a, b, depth, name)
        yield shown, now, before, error, min((1 - limits.gate_max_metric_drop) * before * (1 - TOLERANCE), before - APART * error)


def _error_apart(a: Evaluation, b: Evaluation, depth: int, name: str) -> float:
    """The error of the difference of two means; one that an older version did not measure is taken to be that of the other."""
    found = [float(getattr(errors, name)) for each in (a, b) if (errors := each.errors_at(depth))]
    return hypot(found[0], found[-1]) if found else 0.0


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


def _least_beside(pair: SideBySide, limits: GateSettings) -> float:
    return min((1 - limits.gate_max_metric_drop) * pair.old * (1 - TOLERANCE), pair.old - ERRORS * pair.standard_error)


def _least_beside_popularity(popularity: float, pair: SideBySide | None) -> float:
    return min(popularity * (1 - TOLERANCE), popularity - ERRORS * (pair.standard_error if pair else 0.0))


def _by(pair: SideBySide | None) -> str:
    return f": over {pair.n_users:,} users {-pair.errors:.1f} standard errors of the difference" if pair else ""


def _how(evaluation: Evaluation | NotEvaluated | None) -> str:
    if isinstance(evaluation, Evaluation):
        return f"was measured with k = {evaluation.k}, the {evaluation.split} split and at most {evaluation.sample_users:,} users"
    return f"was not measured{'' if evaluation is None else f', since {evaluation.reason}'}"
