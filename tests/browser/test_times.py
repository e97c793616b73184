"""Times in the reader's time zone: one press, remembered, and kept while the page keeps itself up to date. And the history on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from redis import Redis

from contract.formats.keys import Keys
from contract.formats.verdict import Verdict
from contract.store.history import History, RunRecord
from tests.browser.conftest import Open
from tests.support.builders import make_manifest, promote_lists
from tests.support.generation_maker import evaluation
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.redis_server import RedisServer

MADE, HERE = "2026-07-01 03:04:05", "2026-07-01 05:04:05"


@pytest.fixture(scope="module")
def api() -> Iterator[ApiProcess]:
    with RedisServer() as server:
        with Redis.from_url(server.url) as redis:
            promote_lists(redis, Keys(), {54: [(1, 2.0)]}, generation="g1", trained_at="2026-07-01T03:04:05Z")
            for day in (1, 3):
                run = make_manifest(f"r{day}", trained_at=f"2026-07-0{day}T03:04:05Z", evaluation=evaluation(0.2, 0.1))
                History(redis, Keys()).add(RunRecord.of(run, Verdict(), 60.0))
        with ApiProcess(server.url) as started:
            yield started


def test_local_times_are_one_press_away_and_remembered(api: ApiProcess, open_page: Open) -> None:
    page, _ = open_page(timezone_id="Europe/Berlin")
    page.goto(api.url)
    made = page.locator("section[aria-labelledby=h-served] time").first
    expect(made).to_have_text(MADE)
    expect(page.locator("#zone-says")).to_have_text("Times are in UTC.")
    page.get_by_role("button", name="Show local time").press("Enter")
    expect(made).to_have_text(HERE)
    expect(page.locator("#zone-says")).to_contain_text("Europe/Berlin")
    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        pass
    expect(made).to_have_text(HERE)

    page.goto(f"{api.url}/cards/g1")
    promoted = page.locator("dt", has_text="Promoted").locator("xpath=following-sibling::dd[1]").locator("time")
    expect(page.locator("time", has_text=HERE).first).to_be_visible()
    local = promoted.inner_text()
    page.get_by_role("button", name="Show UTC").click()
    expect(promoted).not_to_have_text(local)
    page.reload()
    expect(page.locator("time", has_text=MADE).first).to_be_visible()


def test_charts_follow_the_choice(api: ApiProcess, open_page: Open) -> None:
    page, _ = open_page(timezone_id="Asia/Kolkata")
    page.goto(f"{api.url}/history")
    chart = page.locator("figure.timeline").first
    dates, point, readout = chart.locator("text[data-at]"), chart.locator("svg a").first, chart.locator(".readout")
    expect(dates).to_have_text(["01 Jul 03:04", "01 Jul 15:04", "02 Jul 03:04", "02 Jul 15:04", "03 Jul 03:04"])
    expect(point).to_have_attribute("aria-label", re.compile("2026-07-01 03:04: "))
    page.get_by_role("button", name="Show local time").click()
    expect(page.locator("#zone-says")).to_have_text(re.compile(r"^Times are in Asia/\w+\.$"))
    here = ["01 Jul 08:34", "01 Jul 20:34", "02 Jul 08:34", "02 Jul 20:34", "03 Jul 08:34"]
    expect(dates).to_have_text(here)
    expect(point).to_have_attribute("aria-label", re.compile("2026-07-01 08:34: "))
    expect(readout).to_contain_text("2026-07-03 08:34: ")
    page.reload()
    expect(dates).to_have_text(here)
    expect(readout).to_contain_text("2026-07-03 08:34: ")
    point.hover()
    expect(readout).to_contain_text("2026-07-01 08:34: ")
    page.get_by_role("button", name="Show UTC").click()
    expect(readout).to_contain_text("2026-07-01 03:04: ")
    expect(dates.first).to_have_text("01 Jul 03:04")


def test_without_a_script_times_are_in_utc(api: ApiProcess, open_page: Open) -> None:
    page, _ = open_page(timezone_id="Europe/Berlin", java_script_enabled=False)
    page.goto(api.url)
    expect(page.locator("section[aria-labelledby=h-served] time").first).to_have_text(MADE)
    expect(page.locator("#zone")).to_be_hidden()


def test_the_reader_s_zone_is_asked_for_only_where_it_is_told(api: ApiProcess, open_page: Open) -> None:
    """A browser takes as long for its first answer as for all else that a script does before the first paint."""
    page, _ = open_page(timezone_id="Europe/Berlin")
    page.add_init_script(
        "window.zonesAsked = 0; const asked = Intl.DateTimeFormat;"
        "Intl.DateTimeFormat = new Proxy(asked, { apply: (made, self, given) => { window.zonesAsked += 1; return made(...given); } });"
    )
    page.goto(api.url)
    button = page.get_by_role("button", name="Show local time")
    expect(button).to_be_visible()
    assert page.evaluate("window.zonesAsked") == 0
    button.click()
    expect(page.locator("#zone-says")).to_contain_text("Europe/Berlin")
    assert page.evaluate("window.zonesAsked") == 1


def test_on_paper_the_runs_are_there_and_what_is_pressed_is_not(api: ApiProcess, open_page: Open) -> None:
    page, _ = open_page(color_scheme="dark")
    page.goto(f"{api.url}/history")
    page.emulate_media(media="print")
    table = page.get_by_role("region", name="Table of runs").locator("table")
    expect(table.get_by_role("rowheader", name="r3")).to_be_visible()
    expect(table.get_by_text("nDCG")).to_be_visible()
    for gone in (table.get_by_role("radio").first, table.get_by_text("Left", exact=True), page.locator("#zone"), page.locator("header")):
        expect(gone).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
