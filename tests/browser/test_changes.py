"""What happens while someone looks: a run that is followed to its promotion, going back, a Redis that goes away."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADMIN_KEY, Open, sign_in
from tests.e2e.local import LocalStack
from tests.support.servers.api_process import ApiProcess

RUN_MS = 120_000
READ_KEY = "a-key-that-reads-things"


@pytest.fixture
def admin(stack: LocalStack, page: Page) -> Page:
    sign_in(page, stack.url)
    return page


def live(page: Page) -> str:
    return str(page.locator("#live > div").get_attribute("data-served"))


def test_a_run_is_followed_to_its_promotion_without_a_reload(stack: LocalStack, admin: Page) -> None:
    before = live(admin)
    admin.get_by_role("link", name="Retrain…").click()
    expect(admin.locator("main")).to_contain_text("What is served stays as it is")
    admin.get_by_role("button", name="Retrain").click()
    expect(admin.locator("main")).to_contain_text("is queued")
    admin.evaluate("window.stillTheSamePage = true")
    expect(admin.locator("#h-run")).to_have_text("Running now")
    expect(admin.locator(".stages .running").first).to_be_visible(timeout=RUN_MS)
    expect(admin.locator(f'#live > div:not([data-served="{before}"])')).to_be_attached(timeout=RUN_MS)
    after = live(admin)
    assert after == stack.generation() != before
    row = admin.locator("#generations tr").filter(has_text=after)
    expect(row).to_contain_text("current (served)")
    expect(admin.locator("#tiles")).to_contain_text("Quality of what is served")
    assert admin.evaluate("window.stillTheSamePage") is True


def test_going_back_shows_what_it_undoes_and_holds(stack: LocalStack, admin: Page) -> None:
    before = stack.generation()
    admin.get_by_role("link", name="Roll back…").click()
    expect(admin.get_by_role("region", name="What changed for users")).to_be_visible()
    admin.get_by_role("button", name="Roll back").click()
    expect(admin.locator("main")).to_contain_text("is served now, and promotions are held")
    after = stack.generation()
    assert after != before
    expect(admin.get_by_role("list", name="Alarms")).to_contain_text("Promotions are held")
    admin.get_by_role("link", name="What to do: Promotions are held").click()
    expect(admin.locator("#held")).to_be_in_viewport()

    admin.goto(f"{stack.url}/change/release")
    admin.get_by_role("button", name="Release").click()
    expect(admin.locator("main")).to_contain_text("Runs promote again.")

    admin.get_by_role("link", name=f"Promote {before}").click()
    admin.get_by_role("button", name="Promote it").click()
    expect(admin.locator("main")).to_contain_text(f"Generation {before} is served now.")
    assert stack.generation() == before


def test_a_confirmation_that_is_out_of_date_changes_nothing(stack: LocalStack, open_page: Open) -> None:
    first, watch = open_page()
    watch.expected = ("409",)
    sign_in(first, stack.url, to="/change/rollback")
    served = stack.generation()
    first.locator("input[name=served]").evaluate("field => { field.value = 'another' }")
    first.get_by_role("button", name="Roll back").click()
    expect(first.get_by_role("alert")).to_contain_text("has changed since this page was made")
    assert stack.generation() == served


@contextmanager
def frozen(stack: LocalStack) -> Iterator[None]:
    """Redis takes requests, and answers none."""
    (redis,) = [process for process in stack.family() if {"redis-server", "valkey-server"} & {process.name()}]
    redis.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        if redis.status() == psutil.STATUS_STOPPED:
            redis.send_signal(signal.SIGCONT)


def test_redis_away_is_a_banner_and_no_broken_page(stack: LocalStack, open_page: Open) -> None:
    page, watch = open_page()
    watch.expected = ("503",)
    page.goto(stack.url)
    with frozen(stack):
        expect(page.locator("#live .alarm.failing")).to_contain_text("Redis does not answer", timeout=30_000)
        page.goto(f"{stack.url}/")
        expect(page.locator(".state")).to_contain_text("Failing")
        page.get_by_role("link", name="What to do: Redis does not answer").click()
        expect(page.locator("#store-away")).to_be_in_viewport()
        answer = page.goto(f"{stack.url}/explore?user=54")
        assert answer is not None
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        expect(page.get_by_role("alert")).to_contain_text(re.compile("(does|did) not answer"))
        page.goto(f"{stack.url}/")
    expect(page.locator(".state")).not_to_contain_text("Failing", timeout=30_000)  # by itself


def test_keys_are_asked_for_and_remembered(stack: LocalStack, open_page: Open) -> None:
    with ApiProcess(stack.places.redis_url, LARDER_API_READ_KEYS=READ_KEY, LARDER_API_ADMIN_KEYS=ADMIN_KEY) as api:
        page, watch = open_page()
        page.goto(f"{api.url}/explore?user=54")
        expect(page).to_have_url(f"{api.url}/sign-in?next=/explore%3Fuser%3D54")
        page.get_by_label("Key").fill("a-key-that-nobody-knows")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("That key is not valid.")
        page.get_by_label("Key").fill(READ_KEY)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{api.url}/explore?user=54")
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert READ_KEY not in cookie["value"]
        page.goto(f"{api.url}/change/retrain")
        expect(page.get_by_label("Key")).to_be_visible()
        page.goto(f"{api.url}/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Key")).to_be_visible()
        watch.check()


def test_a_form_of_another_site_is_refused(stack: LocalStack, open_page: Open) -> None:
    page, watch = open_page()
    watch.expected = ("403",)
    sign_in(page, stack.url)
    page.goto(f"data:text/html,<form method=post action='{stack.url}/change/rollback'><button>Win</button></form>")
    served = stack.generation()
    page.get_by_role("button", name="Win").click()
    expect(page.locator("h1")).to_have_text("Not allowed")
    assert stack.generation() == served
    watch.foreign.clear()  # the page of the other site
