from __future__ import annotations

from api.web.views.runs.tiles import tiles
from contract.formats.verdict import Verdict
from contract.store.history import RunRecord
from tests.support.builders import make_manifest
from tests.support.generation_maker import evaluation


def record(name: str, ndcg: float, k: int = 10, *, passed: bool = True) -> RunRecord:
    return RunRecord.of(make_manifest(name, evaluation=evaluation(ndcg, 0.1, k)), Verdict(passed=passed), 1.0)


def test_tiles_say_what_changed_and_compare_with_popularity() -> None:
    ndcg, recall, coverage = tiles([record("c", 0.2), record("b", 0.15), record("a", 0.9, k=20)], "c").tiles
    assert (ndcg.title, ndcg.value, ndcg.beside) == ("nDCG@10", "0.2000", "+0.0500 since the run before; +100 % against popularity")
    assert (recall.title, coverage.value, coverage.beside) == ("Recall@10", "20.0 %", "+5.0 points since the run before; of the catalogue")
    assert len(ndcg.line.split()) == 2, "what was measured at another k is left out"
    assert tiles([record("c", 0.2)], "c").tiles[0].beside == "+100 % against popularity"
    assert tiles([RunRecord.of(make_manifest("x"), Verdict(), 1.0)], "x").tiles == []


def test_figures_are_of_what_is_served_and_what_was_refused_is_left_out() -> None:
    runs = [record("d", 0.01, passed=False), record("c", 0.3), record("b", 0.2), record("a", 0.15)]
    found = tiles(runs, "b")
    assert (found.of, found.tiles[0].value) == ("b", "0.2000")
    assert found.tiles[0].beside.startswith("+0.0500 since the run before")
    found = tiles(runs, "gone")
    assert (found.of, found.tiles[0].value) == ("c", "0.3000")
    assert tiles(runs[:1], "").of == "d", "there is no other"
    assert tiles(runs, "d").tiles[0].beside.startswith("−0.2900"), "served against the gate"
