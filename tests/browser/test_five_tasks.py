"""Five tasks with the keyboard alone, each in at most so many steps. A step is a link or button that is pressed, a text that is typed, or a
choice that is made; Tab moves to it, and no mouse is touched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from redis import Redis

from contract.formats.keys import Keys
from tests.browser.conftest import Open, sign_in
from tests.e2e.local import LocalStack

MOST_TABS = 120
USER = "54"


class Hands:
    """On a keyboard; they count steps."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Tab to it, then press a key."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("each => each === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        expect(target).to_be_focused()
        self.page.keyboard.press(key)
        self.steps += 1

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.page.keyboard.type(text)
        self.steps += 1

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)


@pytest.fixture
def hands(stack: LocalStack, page: Page) -> Hands:
    """On the overview, signed in."""
    sign_in(page, stack.url)
    return Hands(page)


def open_user(hands: Hands) -> None:
    hands.press(hands.link("Explorer"))
    expect(hands.page.get_by_label("A title, or an id")).to_be_focused()
    hands.type(USER)
    expect(hands.page.locator("#found a").first).to_have_text(USER)
    hands.page.keyboard.press("ArrowDown")
    hands.press(hands.page.locator("#found a").first)
    hands.page.wait_for_url(f"**/explore?user={USER}")


def test_why_a_film_is_recommended_in_three_steps(hands: Hands) -> None:
    open_user(hands)
    first = hands.page.locator("section[aria-labelledby=h-user] tbody tr").first
    expect(first.locator(".why").first).to_contain_text("because of")
    assert hands.steps <= 3


def test_two_models_for_inactive_users_in_three_steps(stack: LocalStack, hands: Hands) -> None:
    hands.press(hands.link("Compare"))
    hands.press(hands.page.get_by_label("Left"), "ArrowDown")
    hands.press(hands.page.get_by_role("button", name="Compare"))
    hands.page.wait_for_url("**/compare?a=*")
    row = hands.page.get_by_role("region", name="Table by activity of users").locator("tr", has_text="Least active third")
    cells = row.locator("td")
    assert all(0 <= float(cells.nth(at).inner_text()) <= 1 for at in (1, 2))
    assert " to " in cells.nth(4).inner_text(), "an interval"
    expect(hands.page.locator(".verdict")).to_contain_text("nDCG")
    assert hands.steps <= 3


def test_rolling_back_in_two_steps(stack: LocalStack, hands: Hands) -> None:
    before = stack.generation()
    hands.press(hands.link("Roll back…"))
    hands.press(hands.page.get_by_role("button", name="Roll back"))
    expect(hands.page.locator("main")).to_contain_text("is served now, and promotions are held")
    assert hands.steps <= 2
    assert stack.generation() != before
    stack.run("release")
    stack.run("promote", before)


@pytest.fixture
def failed(stack: LocalStack) -> Iterator[str]:
    """A run that has just failed; what is remembered of it goes again."""
    stack.run("retrain", "--interactions", "/nowhere/shop.csv", expect=3)
    keys = Keys()
    with Redis.from_url(stack.places.redis_url) as redis:
        run = str(redis.lindex(keys.runs, 0).decode())
        yield run
        redis.lrem(keys.runs, 0, run)
        redis.delete(keys.run(run))


def test_the_reason_of_a_failed_run_in_one_step(failed: str, hands: Hands) -> None:
    expect(hands.page.locator(".alarm").first).to_contain_text("The latest run failed")
    expect(hands.page.locator(".alarm .advice")).to_contain_text("Fix the source")
    hands.press(hands.link("See the run and its log"))
    hands.page.wait_for_url(f"**/history/{failed}")
    expect(hands.page.get_by_role("alert")).to_contain_text("Failed at “Load interactions”: there is no file")
    expect(hands.page.locator(".stages .failed")).to_contain_text("Load interactions")
    expect(hands.page.get_by_label("The last lines of the log")).to_contain_text("/nowhere/shop.csv")
    expect(hands.link("Retry: retrain…")).to_be_visible()
    assert hands.steps <= 1


def test_a_working_request_is_copied_in_four_steps(stack: LocalStack, open_page: Open) -> None:
    page, _ = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, stack.url)
    hands = Hands(page)
    open_user(hands)
    hands.press(page.get_by_role("button", name="Copy the request as curl"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert hands.steps <= 4
    command = str(page.evaluate("navigator.clipboard.readText()"))
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    shown = [row.inner_text() for row in page.locator("section[aria-labelledby=h-user] tbody tr").all()]
    found = [item["metadata"]["title"] for item in json.loads(answer.stdout)["items"]]
    assert len(found) == len(shown) == 10
    assert all(title in text for title, text in zip(found, shown, strict=True))
