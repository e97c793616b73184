"""A real Chromium in front of a whole stack that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.browser.chromium import Watch
from tests.e2e.local import LocalStack, kept_kernels
from tests.support.tools import missing

ADMIN_KEY = "a-key-that-changes-things"
Open = Callable[..., tuple[Page, Watch]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Where there is none, tests are skipped; in CI that is a failure."""
    path = chromium.find()
    if path is None:
        missing(f"needs a browser: none of {', '.join(chromium.NAMES)} is on PATH (apt install chromium)")
    with chromium.started(path) as started:
        yield started


@pytest.fixture(scope="session")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Up, with an admin key, with explanations, and with two generations."""
    made = LocalStack(tmp_path_factory.mktemp("browser") / "var", kept_kernels())
    try:
        made.run("up", LARDER_API_ADMIN_KEYS=ADMIN_KEY, LARDER_EXPLAIN_DEPTH="3", LARDER_STALE_AFTER_S="86400")
        made.run("retrain", "--similarity", "cosine")
        yield made
    finally:
        made.run("clean")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens pages in contexts of their own, with the options given. What they complained of fails the test at its end."""
    watches: list[Watch] = []
    contexts = []

    def make(**options: object) -> tuple[Page, Watch]:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(chromium.PATIENCE_MS)
        watches.append(Watch(page))
        return page, watches[-1]

    yield make
    for context in contexts:
        context.close()
    for watch in watches:
        watch.check()


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()[0]


def sign_in(page: Page, url: str, key: str = ADMIN_KEY, to: str = "/") -> None:
    page.goto(f"{url}/sign-in?next={to}")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
