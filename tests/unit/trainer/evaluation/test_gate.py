"""The gate, rule by rule; and a model that was trained on nonsense does not pass it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.formats.evaluation import Against, Errors, Evaluation, Figures, Metrics, NotEvaluated, SideBySide
from contract.settings.settings import GateSettings, ModelSettings, SourceSettings
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.findings import Finding
from trainer.evaluation.gate import Judgement, Minimums, judge, minimums
from trainer.evaluation.known_items import Known
from trainer.interactions.interactions import Interactions, from_frames
from trainer.sources import load as sources

NOW = datetime(2026, 1, 31, tzinfo=UTC)
COMPARED = ["nDCG@10", "precision@10", "recall@10", "MAP@10", "nDCG@10, beside popularity", "users", "items"]
GOOD = Metrics(precision=0.30, recall=0.20, ndcg=0.40, map=0.10, coverage=0.5)
POPULAR = Metrics(precision=0.20, recall=0.10, ndcg=0.25, map=0.05, coverage=0.1)


def evaluation(model: Metrics = GOOD, popularity: Metrics = POPULAR, **fields: Any) -> Evaluation:
    counts = {"sample_users": 100, "n_users_evaluated": 90, "n_users_total": 1000, "n_train": 9000, "n_test": 300}
    return Evaluation(**{"k": 10, "split": "time", "seconds": 1.0, **counts, "model": model, "popularity": popularity, **fields})


def figures(**fields: Any) -> Figures:
    known = {"n_users": 1000, "n_items": 200, "depth": 30, "data_until": "2026-01-30T00:00:00Z", "evaluation": evaluation()}
    return Figures(**{**known, **fields})


def judged(new: Figures, old: Figures | None, **limits: Any) -> Judgement:
    """The judgement, whose figures are beyond their limits where a rule found something, and nowhere else."""
    return consistent(judge(new, old, GateSettings(**limits), NOW))


def consistent(found: Judgement) -> Judgement:
    told = {one.limit for one in (*found.failures, *found.warnings) if isinstance(one.new, int | float)}
    assert {one.limit for one in found.compared if not one.passed} == told
    return found


def silent(found: Judgement) -> bool:
    return not (found.failures or found.doubts or found.warnings)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def test_the_same_passes_even_without_any_leeway() -> None:
    none = {"gate_max_metric_drop": 0, "gate_max_users_drop": 0, "gate_max_items_drop": 0, "gate_popularity": "refuse"}
    found = judged(figures(), figures(), **none)
    assert silent(found)
    assert [one.name for one in found.compared] == COMPARED
    assert found.passed
    assert judged(figures(), figures(), **none).because == ""


def test_the_first_generation_passes() -> None:
    first = judged(figures(), None)
    assert silent(first)
    assert [one.name for one in first.compared] == ["nDCG@10, beside popularity"]
    assert silent(judged(figures(evaluation=None), None))


@pytest.mark.parametrize(("name", "shown"), [("ndcg", "nDCG"), ("precision", "precision"), ("recall", "recall"), ("map", "MAP")])
def test_each_metric_may_fall_by_a_tenth(name: str, shown: str) -> None:
    before = getattr(GOOD, name)
    tenth = figures(evaluation=evaluation(GOOD.model_copy(update={name: 0.9 * before})))
    assert silent(judged(tenth, figures()))
    worse = figures(evaluation=evaluation(GOOD.model_copy(update={name: 0.88 * before})))
    found = judged(worse, figures())
    assert not found.passed
    finding = only(found.failures)
    assert (finding.limit, finding.new, finding.old) == ("gate_max_metric_drop", 0.88 * before, before)
    assert finding.message == found.because
    assert found.because == (
        f"{shown} at 10 is {0.88 * before:.6f}, 12.0 % below {before:.6f} of the current generation (gate_max_metric_drop = 0.1)"
    )
    assert silent(judged(worse, figures(), gate_max_metric_drop=0.12))
    assert silent(judged(figures(), worse))


def test_coverage_is_told_and_not_judged() -> None:
    narrow = figures(evaluation=evaluation(GOOD.model_copy(update={"coverage": 0.01})))
    assert silent(judged(narrow, figures()))


def test_a_drop_of_everything_turns_a_rule_off() -> None:
    nothing = Metrics(precision=0, recall=0, ndcg=0, map=0, coverage=0)
    off = {"gate_max_metric_drop": 1, "gate_max_users_drop": 1, "gate_max_items_drop": 1, "gate_popularity": "off"}
    assert silent(judged(figures(evaluation=evaluation(nothing), n_users=1, n_items=1), figures(), **off))


@pytest.mark.parametrize(
    ("new", "old", "parts"),
    [
        (evaluation(k=20), evaluation(), ("k = 20, the time split", "k = 10, the time split")),  # an older version measured at 20 alone
        (evaluation(k=20), evaluation(k=30), ("k = 20", "k = 30")),
        (evaluation(split="stratified"), evaluation(), ("k = 10, the stratified split", "k = 10, the time split")),
        (evaluation(sample_users=2, n_users_evaluated=2), evaluation(), ("at most 2 users", "at most 100 users")),
        (NotEvaluated(reason="a reason"), evaluation(), ("was not measured, since a reason", "k = 10, the time split")),
        (None, evaluation(), ("this one was not measured", "k = 10, the time split")),
        (evaluation(), None, ("k = 10, the time split", "the current one was not measured")),
    ],
)
def test_what_can_t_be_compared_waits_for_a_person(new: object, old: object, parts: tuple[str, ...]) -> None:
    found = judged(figures(evaluation=new), figures(evaluation=old))
    assert (found.passed, found.warnings) == (True, ())
    finding = only(found.doubts)
    assert found.doubt == finding.message
    assert finding.limit == "gate_max_metric_drop"
    assert all(part in finding.message for part in parts), finding.message


def test_a_limit_to_users_that_left_nobody_out_changes_nothing() -> None:
    assert silent(judged(figures(evaluation=evaluation(sample_users=5000)), figures()))


@pytest.mark.parametrize(("k", "old_k"), [(20, 10), (10, 20), (5, 20), (20, 5), (5, 10), (20, 20)])
def test_a_bad_model_is_refused_whatever_k_it_and_the_served_one_have(k: int, old_k: int) -> None:
    bad = Metrics(precision=0.002, recall=0.002, ndcg=0.0015, map=0.001, coverage=0.5)
    new, old = (evaluation(of, k=at, at_gate_depth=of if at != 10 else None) for of, at in ((bad, k), (GOOD, old_k)))
    found = judged(figures(evaluation=new), figures(evaluation=old))
    assert f"nDCG at {20 if k == old_k else 10} is 0.001500, 99.6 % below 0.400000" in found.because
    assert silent(judged(figures(evaluation=old), figures(evaluation=new)))


def test_figures_that_only_k_makes_differ_pass() -> None:
    higher = GOOD.model_copy(update={"recall": 0.4})
    assert silent(judged(figures(), figures(evaluation=evaluation(higher, k=20, at_gate_depth=GOOD))))


def test_nobody_who_measures_nothing_is_warned() -> None:
    assert silent(judged(figures(evaluation=None), figures(evaluation=None)))


def test_popularity_alone_is_better() -> None:
    poor = figures(evaluation=evaluation(popularity=POPULAR.model_copy(update={"ndcg": 0.5})))
    assert silent(judged(poor, None, gate_popularity="off"))
    first, refused, warned = judged(poor, None), judged(poor, poor), judged(poor, poor, gate_popularity="warn")
    assert first.passed
    assert not refused.passed
    assert warned.passed
    message = "nDCG at 10 is 0.400000, and popularity alone has 0.500000 (gate_popularity = {})"
    assert only(first.warnings).message == only(refused.failures).message == message.format("refuse")
    assert only(warned.warnings).message == message.format("warn")
    assert (only(first.warnings).new, only(first.warnings).old) == (0.4, 0.5)
    alike = figures(evaluation=evaluation(popularity=POPULAR.model_copy(update={"ndcg": 0.4 * (1 + 1e-7)})))
    assert silent(judged(alike, alike))  # last digits may differ between machines


def side(new: float, old: float, standard_error: float, depth: int = 10) -> SideBySide:
    low, high = new - old - 2 * standard_error, new - old + 2 * standard_error
    return SideBySide(depth=depth, n_users=90, new=new, old=old, difference=new - old, standard_error=standard_error, low=low, high=high)


@pytest.mark.parametrize(("error", "passes"), [(0.049, False), (0.051, True)])
def test_popularity_is_better_by_more_than_chance(error: float, passes: bool) -> None:
    poor = evaluation(popularity=POPULAR.model_copy(update={"ndcg": 0.5}), beside_popularity=side(0.4, 0.5, error))
    found = judged(figures(evaluation=poor), figures())
    assert found.passed == passes
    assert passes or "over 90 users 2.0 standard errors of the difference (gate_popularity = refuse)" in found.because


@pytest.mark.parametrize(
    ("new", "old", "error", "passes"),
    [
        (0.30, 0.40, 0.049, False),  # worse by a quarter, and by more than two errors
        (0.30, 0.40, 0.051, True),  # by a quarter, which may be chance
        (0.37, 0.40, 0.001, True),  # by thirty errors, and less than a tenth
        (0.50, 0.40, 0.001, True),
        (0.40, 0.40, 0.0, True),
    ],
)
def test_a_model_is_worse_than_the_served_one_by_more_than_chance_and_the_limit(new: float, old: float, error: float, passes: bool) -> None:
    beside = Against(generation="g0", ndcg=side(new, old, error))
    found = judged(figures(evaluation=evaluation(against=beside)), figures())
    assert (found.passed, found.doubts, found.warnings) == (passes, (), ())
    if not passes:
        assert found.because == (
            "nDCG at 10 is 0.300000, 25.0 % below 0.400000 of the current model, fitted and measured on the same events: "
            "over 90 users 2.0 standard errors of the difference (gate_max_metric_drop = 0.1)"
        )


def test_side_by_side_nothing_waits_for_a_person() -> None:
    beside = Against(generation="g0", ndcg=side(0.4, 0.4, 0.01))
    other = figures(evaluation=evaluation(split="stratified"))
    assert silent(judged(figures(evaluation=evaluation(against=beside)), other))
    failed = judged(figures(evaluation=evaluation(against=Against(generation="g0", reason="no times"))), other)
    assert len(failed.doubts) == 1
    assert "can't be fitted on these interactions" in only(failed.warnings).message
    assert "no times" in only(failed.warnings).message


@pytest.mark.parametrize(("error", "passes"), [(0.02, False), (0.03, True)])
def test_figures_of_other_events_differ_by_more_than_chance(error: float, passes: bool) -> None:
    errors = Errors(precision=1, recall=1, map=1, ndcg=error)
    new, old = evaluation(GOOD.model_copy(update={"ndcg": 0.3}), errors=errors), evaluation(errors=errors)
    found = judged(figures(evaluation=new), figures(evaluation=old))
    assert found.passed == passes
    assert passes or "25.0 % below 0.400000 of the current generation, 3.5 standard errors" in found.because
    before = judged(figures(evaluation=new), figures(evaluation=evaluation()))
    assert before.passed == passes, "an error that an older version did not measure is that of the other"


@pytest.mark.parametrize(("n", "known", "passes"), [(5, 500, True), (6, 500, False), (4, 8, True), (5, 8, False)])
def test_known_items_do_not_vanish(n: int, known: int, passes: bool) -> None:
    found = consistent(judge(figures(), figures(), GateSettings(), NOW, Known(known, tuple(range(n)))))
    assert found.passed == passes
    assert passes or f"{n} of {known} items that 10 or more users" in found.because
    assert passes or "(0, 1, 2, ...)" in found.because


@pytest.mark.parametrize(("what", "before"), [("users", 1000), ("items", 200)])
def test_a_tenth_may_be_missing(what: str, before: int) -> None:
    least = before * 9 // 10
    assert silent(judged(figures(**{f"n_{what}": least}), figures()))
    found = judged(figures(**{f"n_{what}": least - 1}), figures())
    finding = only(found.failures)
    assert (finding.limit, finding.new, finding.old) == (f"gate_max_{what}_drop", least - 1, before)
    lost = 100 * (1 - (least - 1) / before)
    limit = f"gate_max_{what}_drop = 0.1"
    assert finding.message == f"there are {least - 1:,} {what}, {lost:.1f} % below {before:,} of the current generation ({limit})"
    assert silent(judged(figures(), figures(**{f"n_{what}": 1})))


def test_older_data_are_a_warning() -> None:
    found = judged(figures(data_until="2026-01-29T23:59:59Z"), figures())
    assert found.passed
    message = only(found.warnings).message
    assert "2026-01-29T23:59:59Z" in message
    assert "2026-01-30T00:00:00Z" in message
    assert silent(judged(figures(data_until=None), figures()))
    assert silent(judged(figures(), figures(data_until=None)))


def test_data_of_a_certain_age_are_refused() -> None:
    assert silent(judged(figures(data_until="1999-01-01T00:00:00Z"), None))
    assert silent(judged(figures(), None, gate_max_data_age_days=1))
    found = judged(figures(), None, gate_max_data_age_days=0.5)
    finding = only(found.failures)
    assert (finding.limit, finding.new, finding.old) == ("gate_max_data_age_days", 1.0, 0.5)
    assert finding.message == "the latest interaction, of 2026-01-30T00:00:00Z, is 1.0 days old (gate_max_data_age_days = 0.5)"
    unknown = judged(figures(data_until=None), None, gate_max_data_age_days=0.5)
    assert unknown.passed
    assert "no times" in only(unknown.warnings).message


def test_several_failures_are_one_sentence() -> None:
    found = judged(figures(n_users=1, n_items=1), figures())
    assert [finding.limit for finding in found.failures] == ["gate_max_users_drop", "gate_max_items_drop"]
    assert found.because.count("; ") == 1


def test_minimums_are_what_the_rules_let_pass() -> None:
    old, limits = figures(n_users=1001, n_items=7, items_listed=20.0), GateSettings(gate_max_fill_drop=0.25)
    least = minimums(old, limits, depth=30)
    assert least == Minimums(min_users=901, min_items=7, min_items_listed=15.0)
    new = {"n_users": least.min_users, "n_items": least.min_items}
    assert judge(figures(**new), old, limits, NOW).passed
    assert len(judge(figures(n_users=900, n_items=6), old, limits, NOW).failures) == 2


def test_lists_may_be_shorter_where_the_settings_say_so() -> None:
    old, limits = figures(items_listed=20.0), GateSettings(gate_max_fill_drop=0.1)
    assert minimums(old, limits, depth=15).min_items_listed == pytest.approx(9.0)
    assert minimums(old, limits, depth=60).min_items_listed == pytest.approx(18.0)
    assert minimums(figures(), limits, depth=30).min_items_listed == 0
    assert minimums(None, limits, depth=30) == Minimums()


def test_a_model_of_shuffled_items_is_refused_and_the_same_data_pass(tmp_path: Path) -> None:
    honest = from_frames(sources.read(SourceSettings(), tmp_path).events, "movielens-small")
    shuffled = replace(honest, item_idx=np.random.default_rng(0).permutation(honest.item_idx))
    current = figures_of(honest)
    assert silent(judged(figures_of(honest), current, gate_max_metric_drop=0))
    found = judged(figures_of(shuffled), current)
    assert {finding.message.split()[0] for finding in found.failures} == {"nDCG", "precision", "recall", "MAP"}


def figures_of(interactions: Interactions) -> Figures:
    result = evaluate(
        interactions, ModelSettings(), k=10, sample_users=300, threads=2, limit_bytes=2**30, report=lambda _done, _total: None
    )
    assert isinstance(result, Evaluation)
    assert result.n_users_evaluated == 300
    return figures(n_users=len(interactions.user_ids), n_items=len(interactions.item_ids), evaluation=result)
