from __future__ import annotations

from math import hypot

import pytest

from api.web.views.runs import versus
from api.web.views.runs.comparison_table import as_table
from api.web.views.runs.row import Texts
from api.web.views.tables.csv_text import csv_text
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
    assert (first.name, first.before, first.after) == ("nDCG@10, same users", 0.2, 0.3)
    assert (first.low, first.high, first.word, first.n) == (0.06, 0.14, "better", 30)
    assert first.texts == Texts("0.2000", "0.3000", "+0.1000", "+0.0600 to +0.1400", "30")
    turned = versus.verdict(new, old)[0]
    assert (turned.before, turned.after, turned.word) == (0.3, 0.2, "worse")
    assert turned.texts == Texts("0.3000", "0.2000", "−0.1000", "−0.1400 to −0.0600", "30")
    assert [row.word for row in versus.by_users(old, new)] == ["worse", "better", "better"], "a third that nobody paired is compared apart"
    word, says = versus.summary(old, new)
    assert word == "better"
    assert "worse for the least active third" in says


def test_a_run_stands_beside_what_was_served_when_it_was_judged() -> None:
    old, new = record("a", 0.2, n_users=7_000), record("b", 0.3, against=Against(generation="a", ndcg=PAIR))
    before, rows = versus.beside_served(new, [new, old], "")
    assert before is old
    assert (rows[0].name, rows[0].word) == ("nDCG@10, same users", "better")
    assert ("Users", 7_000, new.n_users) in [(row.name, row.before, row.after) for row in rows]
    alone = record("b", 0.3)
    assert versus.beside_served(alone, [alone, old], "a")[0] is old, "as the verdict says, where nothing was measured beside it"
    assert versus.beside_served(alone, [alone, old], "gone") == (None, [])


def test_means_of_which_nobody_has_paired_the_users_have_a_wider_interval() -> None:
    rows = {row.name: row for row in versus.verdict(record("a", 0.2), record("b", 0.22))}
    half = 1.96 * hypot(0.01, 0.01)
    assert rows["nDCG@10"].texts.interval == f"−{half - 0.02:.4f} to +{0.02 + half:.4f}"
    assert rows["nDCG@10"].word == "no clear difference"
    assert (rows["Gini"].low, rows["Gini"].high, rows["Gini"].word) == (None, None, ""), "neither good nor bad"
    assert versus.verdict(record("a", 0.2), record("b", 0.3))[0].word == "better"


@pytest.mark.parametrize(("k", "why"), [(5, "a at 10 by time and b at 5 by time"), (None, "b was not measured")])
def test_figures_that_do_not_compare_are_not_shown(k: int | None, why: str) -> None:
    old, new = record("a", 0.2), record("b", 0.3, k=k or 10).model_copy(update={"k": k})
    assert versus.verdict(old, new) == versus.by_users(old, new) == versus.by_items(old, new) == []
    assert why in versus.why_not(old, new)
    assert versus.summary(old, new)[0] == ""


def test_only_what_differs_is_told() -> None:
    rows = versus.differing(record("a", 0.2), record("b", 0.2, n_users=7_000, seconds=3.5))
    assert [(row.name, row.before, row.after, row.change) for row in rows] == [
        ("similarity", "default", "cosine", None), ("users", 1, 7_000, 6_999), ("seconds to train", 2.0, 3.5, 1.5),
    ]  # fmt: skip
    assert [row.texts.change for row in rows] == ["", "+6,999", "+1.5"]
    assert versus.differing(record("a", 0.2), record("a", 0.3)) == []


def test_a_difference_that_people_do_not_see_is_not_told() -> None:
    assert versus.differing(record("a", 0.2, seconds=2.01), record("a", 0.2, seconds=2.04)) == []


def test_programs_get_numbers_as_they_were_measured() -> None:
    exact = SideBySide(depth=10, n_users=12_345, new=1 / 3, old=0.2, difference=0.13, standard_error=0.02, low=-0.06, high=0.14)
    columns, rows = as_table(record("a", 0.2), record("b", 0.3, n_users=7_000, against=Against(generation="a", ndcg=exact)), None)
    found = {(row[0], row[1]): dict(zip(columns, row, strict=True)) for row in rows}
    paired = found["measures", "nDCG@10, same users"]
    assert (paired["right"], paired["low"], paired["users"], paired["verdict"]) == (1 / 3, -0.06, 12_345, "no clear difference")
    assert paired["change"] == 1 / 3 - 0.2
    assert found["differences", "users"]["right"] == 7_000
    assert found["differences", "similarity"]["left"] == "default"
    assert found["users", "Least active third"]["users"] == 10
    text = csv_text(columns, as_table(record("a", 0.2), record("b", 0.3, n_users=7_000), None)[1])
    assert "−" not in text
    assert "7,000" not in text
