from __future__ import annotations

import pytest

from api.web.pages.history import within
from api.web.views.runs.figures import FIGURES
from api.web.views.runs.run_table import Entry, entries, filtered
from api.web.views.runs.timelines import LEFT, MOST_POINTS, RIGHT, WIDTH, Figure, timeline, when_of
from api.web.views.runs.tuning_plot import tuning_plot
from contract.formats.reports.tuned import Measured, Tuned
from contract.formats.verdict import Verdict
from contract.store.history import RunRecord
from contract.store.runs import RunStatus
from tests.support.builders import make_manifest
from tests.support.generation_maker import evaluation

NDCG = FIGURES[0]


def record(run: str, day: int, ndcg: float = 0.2, *, passed: bool = True, k: int = 10) -> RunRecord:
    made = make_manifest(run, trained_at=f"2026-01-{day:02}T00:00:00Z", evaluation=evaluation(ndcg, 0.1, k))
    return RunRecord.of(made, Verdict(passed=passed), 5.0)


def test_points_lie_where_their_dates_are_and_lead_to_their_runs() -> None:
    chart = timeline(NDCG, [record("a", 1), record("b", 2, passed=False), record("c", 5, 0.4)])
    assert chart is not None
    wide = WIDTH - LEFT - RIGHT
    assert [point.x for point in chart.points] == pytest.approx([LEFT, LEFT + wide / 4, LEFT + wide], abs=0.1)
    assert [(point.run, point.is_refused) for point in chart.points] == [("a", False), ("b", True), ("c", False)]
    assert chart.points[2].y < chart.points[0].y
    assert chart.points[1].says == "b, 2026-01-02 00:00: 0.2000; popularity 0.1000, k = 10, split by time; refused"
    assert [date.text for date in chart.dates] == ["01 Jan 00:00", "02 Jan 00:00", "03 Jan 00:00", "04 Jan 00:00", "05 Jan 00:00"]
    assert (chart.latest, len(chart.lines), len(chart.other)) == ("0.4000", 1, 1)


def test_a_line_ends_where_figures_stop_comparing() -> None:
    runs = [record("a", 1), record("b", 2), record("c", 3, k=20), record("d", 4, k=20)]
    chart, users = timeline(NDCG, runs), timeline(FIGURES[4], runs)
    assert chart is not None
    assert [len(line.split()) for line in chart.lines] == [2, 2]
    assert users is not None
    assert [len(line.split()) for line in users.lines] == [4], "a count compares with every other"


def test_lines_leave_out_what_the_gate_refused() -> None:
    runs = [record("a", 1, 0.2), record("b", 2, 0.001, passed=False), record("c", 3, 0.2), record("d", 4, 0.001, passed=False)]
    chart, all_refused = timeline(NDCG, runs), timeline(NDCG, runs[1:2])
    assert chart is not None
    assert [line.split() for line in chart.lines] == [[f"{chart.points[at].x},{chart.points[at].y}" for at in (0, 2)]]
    assert (len(chart.points), chart.latest) == (4, "0.2000")
    assert all_refused is not None
    assert (all_refused.lines, all_refused.latest) == ((), "0.0010")


def test_noise_does_not_fill_the_height() -> None:
    chart = timeline(NDCG, [record("a", 1, 0.200), record("b", 2, 0.2001)])
    flat = timeline(Figure("x", lambda _record: 0.0, str), [record("a", 1)])
    assert chart is not None
    assert abs(chart.points[0].y - chart.points[1].y) < 3
    assert flat is not None
    assert timeline(NDCG, []) is None


def test_texts_beside_an_axis_have_room() -> None:
    late = record("a", 1).model_copy(update={"n_interactions": 20_000_263, "n_users": 999_999, "data_until": "2016-10-16T17:57:24Z"})
    for figure in FIGURES:
        chart = timeline(figure, [late])
        assert chart is not None
        assert max(len(text) for _, text in chart.values) <= 10, figure.title
    interactions = timeline(FIGURES[3], [late])
    assert interactions is not None
    assert interactions.latest == "20,000,263"


def test_a_long_history_is_thinned_out() -> None:
    chart = timeline(FIGURES[3], [record(f"r{at}", 1 + at % 28) for at in range(1000)])
    assert chart is not None
    assert len(chart.points) <= MOST_POINTS


def test_runs_that_made_nothing_stand_in_the_table_and_filters_find_them() -> None:
    failed = RunStatus("20260103-000000-aaaa", "failed", "load", 0, 1, "no file")
    rows = entries([record("20260101-000000-aaaa", 1), record("20260102-000000-aaaa", 2, passed=False)], [failed])
    assert [(row.run[:8], row.outcome) for row in rows] == [("20260103", "failed"), ("20260102", "refused"), ("20260101", "passed")]
    assert filtered(rows, "", "refused") == [rows[1]]
    assert filtered(rows, "A TEST 20260101", "") == [rows[2]]
    assert filtered(rows, "nothing", "") == []
    assert Entry("x", None, None).outcome == "unknown"


def test_a_range_of_times() -> None:
    runs = [record("b", 3), record("a", 1)]
    asked = {"days": "", "from": str(int(when_of(runs[0]))), "to": ""}
    assert within(runs, asked) == runs[:1]
    assert within(runs, {**asked, "from": "", "to": asked["from"]}) == runs
    assert within(runs, {"days": "7", "from": "", "to": ""}) == []
    assert within(runs, {"days": "x", "from": "x", "to": "²"}) == runs


def test_the_best_candidate_of_a_tune_comes_first() -> None:
    def measured(arguments: str, gain: float) -> Measured:
        return Measured(arguments=arguments, options={}, ndcg=0.1, gain=gain, errors=3, low=gain - 0.1, high=gain + 0.1, n_users=9)

    tried = (measured("--model ease", 0.1), measured("--model slim", 0.3))
    counts = {"n_users": 9, "n_items": 9, "n_interactions": 9, "n_users_measured": 9, "seed": 1, "budget_s": 1, "seconds": 1}
    found = Tuned.model_validate(
        {**counts, "source": "s", "data_until": None, "how": "moment", "default": measured("", 0), "popularity": measured("p", -1),
         "winner": tried[1], "tried": tried}
    )  # fmt: skip
    plot = tuning_plot(found)
    assert plot is not None
    assert [(one.name, one.is_winner, one.gain) for one in plot.candidates] == [
        ("--model slim", True, "+30.0 %"), ("--model ease", False, "+10.0 %"),
    ]  # fmt: skip
    assert plot.candidates[1].low == pytest.approx(plot.zero, abs=0.1)
    assert tuning_plot(found.model_copy(update={"tried": ()})) is None
