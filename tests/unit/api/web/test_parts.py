from __future__ import annotations

import pytest
from markupsafe import Markup

from api.http.problems import sentence
from api.metrics.counters import Metrics
from api.web.pages.runbook import html_of
from api.web.views import formats
from api.web.views.charts import bar_chart, doubling, histogram
from api.web.views.diffs import DiffView
from api.web.views.explorer.lists import title_of
from api.web.views.traffic import TrafficMeter, quantile
from contract.formats.reports.diff import Diff, Side
from tests.support.fakes import Clock
from trainer.inspect.measures import distribution


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *(
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (59.6, "1 min"),
            (599.7, "10 min"),
            (3599.6, "1 h"),
            (7500, "2 h 5 min"),
            (90_000, "1 day 1 h"),
            (864_000, "10 days"),
        ),
        *((-5, "0 s"), (None, "–")),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


def test_other_formats() -> None:
    assert formats.number(1234.4) == "1,234"
    assert formats.figure(0.12345) == "0.1235"
    assert formats.change(-0.5) == "−0.5000"
    assert formats.percent(0.125) == "12.5 %"
    assert [formats.size(n) for n in (5, 2048, 3 * 2**30, 2**41)] == ["5 bytes", "2.0 KiB", "3.0 GiB", "2,048.0 GiB"]
    assert formats.milliseconds(0.0025) == "2.5 ms"
    assert [formats.setting(value) for value in (True, 0.5, "cosine")] == ["true", "0.5", "cosine"]
    assert formats.at(0) == formats.when(None) == "–"
    assert formats.when("2026-01-02T03:04:05Z") == "2026-01-02 03:04:05"
    assert formats.at(1000) == '<time datetime="1970-01-01T00:00:01Z">1970-01-01 00:00:01</time>'


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+00:00", "2026-01-02 03:04:05"])
def test_a_time_is_an_element_that_programs_read(text: str) -> None:
    assert formats.moment(text) == '<time datetime="2026-01-02T03:04:05Z">2026-01-02 03:04:05</time>'


@pytest.mark.parametrize("text", ["<b>", "2026-01-02", "2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05Z<b>", "none"])
def test_what_is_not_a_time_in_utc_stays_a_text(text: str) -> None:
    found = formats.moment(text)
    assert found == text
    assert not isinstance(found, Markup)


def test_bars_are_as_high_as_their_part_of_the_greatest() -> None:
    chart = bar_chart("overlap", [0, 5, 10], "0", "1", "users")
    heights = [bar.height for bar in chart.bars]
    assert heights[0] == 0
    assert heights[2] == pytest.approx(2 * heights[1])
    assert chart.says == "overlap, from 0 to 1: 0 %, 33 %, 67 % of 15 users."


def test_a_histogram_counts_every_value() -> None:
    chart = histogram("lengths", [1, 1, 2, 9], "users", n_bins=4, spell="{:.0f}")
    assert chart is not None
    assert [bar.says.split(": ")[1] for bar in chart.bars] == ["3 users", "0 users", "0 users", "1 users"]
    assert histogram("nothing", [], "users") is None
    assert histogram("the same", [2, 2], "users") is None
    spread = doubling("spread", [1, 1, 2, 3, 4, 9], "items")
    assert spread is not None
    assert [(bar.count, bar.says) for bar in spread.bars] == [
        (2, "1: 2 items"), (2, "2 to 3: 2 items"), (1, "4 to 7: 1 items"), (1, "8 to 15: 1 items"),
    ]  # fmt: skip
    assert doubling("nothing", [], "items") is None


def test_the_pages_read_the_diff_that_the_trainer_writes() -> None:
    side = Side(
        generation="g1", trained_at="2026-01-02T03:04:05Z", data_until=None, n_users=10, n_items=4, mean_listed=3.0, users_read=10,
        items_listed=4, head_share=0.5, metrics={"ndcg@10, time": 0.1},
    )  # fmt: skip
    made = Diff(
        before=side, after=side.model_copy(update={"generation": "g2", "mean_listed": 2.0}), k=3, sampled=False,
        overlap=distribution([0.0, 1.0]), rbo=None, identical=0.5, users_gained=1, users_lost=2, items_gained=0, items_lost=0,
        most_gained=(1, 2), most_lost=(), moved=0.25,
    )  # fmt: skip
    found = DiffView.model_validate_json(made.model_dump_json())
    rows = {name: changed for name, _, _, changed in found.rows()}
    assert (rows["users"], rows["items in a list, mean"], rows["first 3 unchanged"]) == ("+1 −2", "−1.00", "50.0 % of users")
    assert rows["nDCG@10, time"] == "0.0000"
    assert [chart.title for chart in found.charts()] == ["Overlap of the first 3"]
    back = found.turned()
    rows = {name: changed for name, _, _, changed in back.rows()}
    assert (back.before.generation, back.after.generation, back.most_lost) == ("g2", "g1", (1, 2))
    assert (rows["users"], rows["items in a list, mean"]) == ("+2 −1", "+1.00")
    assert back.turned() == found


def test_traffic_leaves_out_pages_and_machines_and_knows_a_rate() -> None:
    metrics, clock = Metrics(), Clock()
    meter = TrafficMeter(metrics, clock)
    lists = "/recommendations"
    for path, status, seconds in ((lists, "200", 0.002), (lists, "503", 0.4), ("/", "200", 1), ("/metrics", "200", 1)):
        metrics.observe(path, "POST", status, seconds)
    first = meter.read(lambda route: route == "/")
    assert (first.n, first.per_s) == (2, None)
    (route,) = first.routes
    assert (route.route, route.errors, route.median_s, route.p99_s) == ("/recommendations", 1, 0.0025, 0.5)
    for _ in range(10):
        metrics.observe("/recommendations", "GET", "200", 0.001)
    clock.now_s += 5
    second = meter.read(lambda route: route == "/")
    assert (second.per_s, second.recent, second.recent_errors) == (2.0, 10, 0), "the error came before the first look"
    metrics.observe("/items/<id>", "GET", "500", 0.001)
    clock.now_s += 299
    third = meter.read(lambda route: route == "/")
    assert (third.recent, third.recent_errors) == (1, 1), "the first look is more than RECENT_S ago"
    assert {route.route for route in third.routes} == {"/recommendations", "/items/<id>"}
    clock.now_s += 3000
    assert meter.read(lambda route: route == "/").recent == 0


def test_a_quantile_beyond_the_last_bucket_is_not_known() -> None:
    assert quantile({0.1: 1.0, 1.0: 1.0, float("inf"): 9.0}, 0.5) is None
    assert quantile({0.1: 8.0, 1.0: 9.0, float("inf"): 9.0}, 0.5) == 0.1
    assert quantile({}, 0.5) is None


def test_the_runbook_shows_markup_as_text() -> None:
    found = html_of('<a id="x"></a>\n\n## A <b>\n\n- one `<i>`\n- two **strong**\n\n```\n<pre>\n\n# code\n```\n\nAn <em> end')
    assert '<h2 id="x">A &lt;b&gt;</h2>' in found
    assert "<li>one <code>&lt;i&gt;</code></li><li>two <strong>strong</strong></li>" in found
    assert "&lt;pre&gt;\n\n# code" in found
    assert "<p>An &lt;em&gt; end</p>" in found
    marked = html_of("see *how <it> goes*, 2 * 3 * 4, and [`x` of y](y.md#z)")
    assert marked == "<p>see <em>how &lt;it&gt; goes</em>, 2 * 3 * 4, and <code>x</code> of y</p>"


def test_measures_as_people_write_them() -> None:
    assert [formats.measure(name) for name in ("ndcg", "popularity ndcg@10, time", "map@5", "long_tail")] == [
        "nDCG",
        "popularity nDCG@10, time",
        "MAP@5",
        "long tail",
    ]


@pytest.mark.parametrize(("raw", "title"), [(b"{}", ""), (b'{"title": "Alien"}', "Alien"), (b'{"title": 7}', ""), (b"[]", "")])
def test_titles(raw: bytes, title: str) -> None:
    assert title_of(raw) == title


def test_a_change_is_that_of_what_is_shown() -> None:
    """6.16 % and 8.34 % are shown as 6.2 % and 8.3 %: 2.18 between them would be shown as 2.2."""
    assert formats.difference(6.16, 8.34, 1) == "+2.1"
    assert formats.difference(0.14051, 0.14052, 4) == "0.0000"
    assert formats.difference(1200, 0, 0) == "−1,200"


@pytest.mark.parametrize(("value", "spell", "text"), [(-0.00001, "+.4f", "0.0000"), (0.04, "+.1f", "0.0"), (-3, "+,", "−3")])
def test_nothing_has_no_sign(value: float, spell: str, text: str) -> None:
    assert formats.signed(value, spell) == text


@pytest.mark.parametrize(
    ("gained", "lost", "spell", "text"),
    [(0, 0, ",", "none"), (3, 0, ",", "+3"), (0, 1200, ",", "−1,200"), (3, 4, ",", "+3 −4"), (0.0001, 0.25, ".1%", "−25.0%")],
)
def test_gained_and_lost(gained: float, lost: float, spell: str, text: str) -> None:
    assert formats.gained_and_lost(gained, lost, spell) == text


def test_a_message_becomes_one_sentence() -> None:
    assert sentence("is it up?") == "Is it up?"
    assert formats.findings("nDCG is low (x = 0.1); users are gone.") == ["nDCG is low (x = 0.1).", "Users are gone."]
    assert formats.findings("") == []
    assert [sentence("it is held"), sentence("it is held.")] == ["It is held."] * 2
