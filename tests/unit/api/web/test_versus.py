from __future__ import annotations

from math import hypot

import pytest

from api.web.views.runs import versus
from contract.formats.beyond import Segments
from contract.formats.evaluation import Against, SideBySide
from contract.formats.verdict import Verdict
from contract.settings.settings import ModelSettings
from contract.store.history import RunRecord
from tests.support.builders import make_manifest
from tests.support.generation_maker import evaluation

PAIR = SideBySide(depth=10, n_users=30, new=0.3, old=0.2, difference=0.1, standard_error=0.02, low=0.06, high=0.14)
WORSE = SideBySide(depth=10, n_users=10, new=0.1, old=0.2, difference=-0.1, standard_error=0.02, low=-0.14, high=-0.06)


def segments(ndcg: float) -> Segments:
    users = {third: {"n": 10, "ndcg": ndcg, "recall": ndcg, "ndcg_error": 0.01} for third in ("least", "middle", "most")}
    items = {third: {"n": 5, "wanted": 0.3, "recall": ndcg, "listed": 0.3} for third in ("least", "middle", "most")}
    return Segments.model_validate({"users": users, "items": items})


def record(run: str, ndcg: float, *, k: int = 10, **fields: object) -> RunRecord:
    settings = ModelSettings(similarity="cosine") if run == "b" else ModelSettings()
    made = RunRecord.of(make_manifest(run, evaluation=evaluation(ndcg, 0.1, k), settings=settings), Verdict(), 2.0)
    errors = dict.fromkeys(("ndcg", "recall", "precision", "map"), 0.01)
    return made.model_copy(update={"errors": errors, "segments": segments(ndcg), **fields})


def test_who_was_measured_beside_the_other_is_compared_on_the_same_users() -> None:
    old, new = record("a", 0.2), record("b", 0.3, against=Against(generation="a", ndcg=PAIR, thirds={"least": WORSE}))
    first = versus.verdict(old, new)[0]
    assert (first.name, first.before, first.after, first.change) == ("nDCG@10, same users", "0.2000", "0.3000", "+0.1000")
    assert (first.interval, first.word, first.n) == ("+0.0600 to +0.1400", "better", "30")
    turned = versus.verdict(new, old)[0]
    assert (turned.before, turned.after, turned.change) == ("0.3000", "0.2000", "−0.1000")
    assert (turned.interval, turned.word) == ("−0.1400 to −0.0600", "worse")
    assert [row.word for row in versus.by_users(old, new)] == ["worse", "better", "better"], "a third that nobody paired is compared apart"
    word, says = versus.summary(old, new)
    assert word == "better"
    assert "worse for the least active third" in says


def test_means_of_which_nobody_has_paired_the_users_have_a_wider_interval() -> None:
    rows = {row.name: row for row in versus.verdict(record("a", 0.2), record("b", 0.22))}
    half = 1.96 * hypot(0.01, 0.01)
    assert rows["nDCG@10"].interval == f"−{half - 0.02:.4f} to +{0.02 + half:.4f}"
    assert rows["nDCG@10"].word == "no clear difference"
    assert (rows["Gini"].interval, rows["Gini"].word) == ("", ""), "neither good nor bad"
    assert versus.verdict(record("a", 0.2), record("b", 0.3))[0].word == "better"


@pytest.mark.parametrize(("k", "why"), [(5, "a at 10 by time and b at 5 by time"), (None, "b was not measured")])
def test_figures_that_do_not_compare_are_not_shown(k: int | None, why: str) -> None:
    old, new = record("a", 0.2), record("b", 0.3, k=k or 10).model_copy(update={"k": k})
    assert versus.verdict(old, new) == versus.by_users(old, new) == versus.by_items(old, new) == []
    assert why in versus.why_not(old, new)
    assert versus.summary(old, new)[0] == ""


def test_only_what_differs_is_told() -> None:
    rows = versus.differing(record("a", 0.2), record("b", 0.2, n_users=7, seconds=3.5))
    assert [(row.name, row.before, row.after, row.change) for row in rows] == [
        ("similarity", "default", "cosine", ""), ("users", "1", "7", "+6"), ("seconds to train", "2.0", "3.5", "+1.5"),
    ]  # fmt: skip
    assert versus.differing(record("a", 0.2), record("a", 0.3)) == []
