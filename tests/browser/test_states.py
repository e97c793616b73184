"""Views in states that a healthy stack does not show: nothing served yet, a run failed or was refused, an experiment, a year of runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from contract.experiments.ending import Ending
from contract.experiments.moves import Experiments
from contract.experiments.shares import parsed
from contract.formats.keys import Keys
from contract.formats.outcomes.report import EventCounts, Interval, Outcomes, Rate, Row, Table
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Compared, Verdict
from contract.store.generations import Generations
from contract.store.history import History, RunRecord
from contract.store.runs import Runs
from contract.store.streams.outcomes import keep
from tests.browser.conftest import ADMIN_KEY, Open, sign_in
from tests.browser.test_views import LOOKS, fits, look_at_all, serious
from tests.e2e.local import LocalStack
from tests.support.builders import make_manifest, manifest_of, promote_lists, write_lists
from tests.support.generation_maker import evaluation
from tests.support.servers.api_process import ApiProcess

FAILED, REFUSED = "20260302-000000-dead", "20260301-000000-beef"
LONG = {1: {"title": "A title that does not end " * 20}, 2: {"title": "W" * 300}}
VIEWS = {
    "empty": ("/", "/history", "/compare", "/outcomes"),
    "trouble": (
        "/",
        "/history",
        f"/history/{FAILED}",
        f"/history/{REFUSED}",
        f"/cards/{REFUSED}",
        f"/compare?a=g1&b={REFUSED}",
        "/explore?user=54",
        "/outcomes",
    ),
}
BEYOND = (
    Compared(name="nDCG at 10", limit="gate_max_metric_drop", old=0.2, new=0.1, bound=0.18),
    Compared(name="users", limit="gate_min_users_ratio", old=1000, new=990, bound=800),
    Compared(name="age of the data", limit="gate_max_age", old=None, new=12.5, bound=10, is_most=True),
)


def outcomes() -> Outcomes:
    """Of many generations and arms with long names."""
    rate = Rate(n=1234, rate=Interval(value=0.1234, low=0.1, high=0.15), corrected=Interval(value=1.25, low=1.0, high=1.5))
    rows = [Row(names=[REFUSED, "W" * 60], shown=123_456_789, clicks=rate, conversions=rate)] * 40
    tables = [Table(ways=["generation", "arm"], rows=rows), Table(ways=["segment"], rows=[rows[0].model_copy(update={"names": [""]})])]
    counts = EventCounts(by_request=1, by_window=2, of_nothing=4, clicks={"w" * 64: 7})
    return Outcomes(
        at="2026-03-10T12:00:00Z", since="2026-03-04", window_s=86_400, share=0.5, lists=8, shown=24, open=9, events=counts, tables=tables
    )


@pytest.fixture(scope="module")
def redis(stack: LocalStack) -> Iterator[Redis]:
    with Redis.from_url(stack.places.redis_url) as made:
        keys = Keys("trouble")
        lists = {54: [(1, 2.0), (2, 1.0)]}
        promote_lists(made, keys, lists, generation="g1", metadata=LONG, evaluation=evaluation(0.2, 0.1))
        for days in range(300):
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            manifest = make_manifest(f"r{days}", trained_at=at, evaluation=evaluation(0.2 + days / 5000, 0.1))
            History(made, keys).add(RunRecord.of(manifest, Verdict(passed=days % 9 > 0, because="nDCG fell " * 30), 60.0))
        generations = Generations(made, keys)
        refused = manifest_of(lists, REFUSED, evaluation=evaluation(0.1, 0.1))
        because = "nDCG is much lower than before. " * 12
        generations.begin(refused, Verdict(passed=False, because=because, compared=BEYOND, against="g1"))
        write_lists(made, keys, refused, lists)
        generations.record_shard(REFUSED, 0, ShardRecord(1, 1, 2, 0))
        generations.promote(REFUSED, "a test")
        Experiments(generations).start(parsed(f"current=50,{REFUSED}=50"), "a test")
        runs = Runs(made, keys)
        runs.queued(FAILED)
        runs.set(FAILED, "running", "fit", 1, 2)
        runs.set(FAILED, "failed", message="DataError: nothing is left to fit")
        runs.keep_log(FAILED, "INFO a line that does not end " * 20)
        keep(made, keys, outcomes())
        why = f"{REFUSED} had fewer clicks: 1.2 % beside 2.3 %"
        ended = Ending(experiment="e1", at_ms=1_772_000_000_000, by="judge", arm=REFUSED, why=why)
        made.set(keys.experiment_ended, ended.model_dump_json())
        yield made
        for key in made.scan_iter("trouble*"):
            made.delete(key)


@pytest.mark.parametrize("state", VIEWS)
def test_every_view_in_every_state(stack: LocalStack, redis: Redis, open_page: Open, state: str) -> None:
    with ApiProcess(stack.places.redis_url, LARDER_API_ADMIN_KEYS=ADMIN_KEY, LARDER_NAMESPACE=state) as api:
        for look in LOOKS.values():
            page, _ = open_page(**look)
            sign_in(page, api.url)
            for path in VIEWS[state]:
                answer = page.goto(api.url + path)
                assert answer is not None
                assert answer.status == 200, path
                look_at_all(page)
                assert fits(page), f"{path} is wider than the window"
                assert serious(page) == [], path


@pytest.mark.parametrize("width", [390, 768, 1920])
def test_nothing_sticks_out_at_any_width(stack: LocalStack, redis: Redis, open_page: Open, width: int) -> None:
    page, _ = open_page(viewport={"width": width, "height": 900})
    with ApiProcess(stack.places.redis_url, LARDER_NAMESPACE="trouble") as api:
        for path in VIEWS["trouble"]:
            page.goto(api.url + path)
            look_at_all(page)
            assert fits(page), path


def test_a_selection_survives_what_changes_around_it(stack: LocalStack, redis: Redis, open_page: Open) -> None:
    page, _ = open_page()
    with ApiProcess(stack.places.redis_url, LARDER_NAMESPACE="trouble") as api:
        page.goto(api.url)
        page.evaluate("window.getSelection().selectAllChildren(document.getElementById('to-card'))")
        page.evaluate("document.querySelector('.advice').parentElement.open = false")
        for _ in range(2):  # by the second answer the first has been taken in
            page.wait_for_event("response", lambda answer: answer.url.endswith("/live"))
        assert page.evaluate("window.getSelection().toString()") == "g1"
        assert page.evaluate("document.querySelector('.advice').parentElement.open") is False
        page.close()  # it would ask an API that has ended
