"""The pages behind nginx, under a path: every page and link works there, and a page of another origin may ask where it is named."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from contract.formats.keys import Keys
from tests.browser.conftest import ADMIN_KEY, Open
from tests.support.builders import Lists, promote_lists
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.nginx_server import Nginx
from tests.support.servers.redis_server import RedisServer

NOT_FOLLOWED = ("random", "?file", ".csv", "sort=", "&generation=")  # downloads, and the same pages in ever more ways
LISTS: Lists = {user: [(item, 9.0 - item) for item in range(3)] for user in range(50)}
ASK = """async ([url, body]) => {
  try {
    const answer = await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body});
    return (await answer.json()).items.length;
  } catch { return "refused"; }
}"""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with RedisServer() as server:
        with Redis.from_url(server.url) as redis:
            for name in ("g1", "g2"):
                promote_lists(redis, Keys(), LISTS, generation=name, metadata={1: {"title": "Alien"}})
        yield server.url


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[str]:
    """A page of another origin."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Shop</title><link rel=icon href=data:,>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def links_of(page: Page) -> set[str]:
    found = page.evaluate("[...document.querySelectorAll('a[href]')].map((one) => one.href.split('#')[0])")
    return {link for link in found if link.startswith(page.evaluate("location.origin"))}


def test_every_page_and_link_under_the_prefix(redis_url: str, open_page: Open) -> None:
    settings = {"LARDER_API_TRUSTED_PROXIES": "127.0.0.1", "LARDER_API_ADMIN_KEYS": ADMIN_KEY}
    with ApiProcess(redis_url, **settings) as api, Nginx(api.port) as nginx:
        until("nginx listens", nginx.is_up)
        page, watch = open_page(ignore_https_errors=True)
        watch.expected = ("/openapi.json)",)  # which has no icon: the browser asks the root of the host for one
        page.goto(f"{nginx.url}/sign-in")
        page.get_by_label("Key").fill(ADMIN_KEY)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{nginx.url}/")
        with page.expect_response(lambda answer: answer.url == f"{nginx.url}/live") as live:
            pass
        assert live.value.ok
        seen: set[str] = set()
        left = {f"{nginx.url}/", f"{nginx.url}/explore?user=4", f"{nginx.url}/explore?item=1"}
        while left:
            url = left.pop()
            seen.add(url)
            answer = page.goto(url, wait_until="load")
            assert answer is not None
            assert answer.ok, url
            found = links_of(page)
            outside = [link for link in found if not link.startswith(f"{nginx.url}/")]
            assert outside == [], url
            assert all(page.request.get(link).ok for link in found if ".csv" in link), url
            assert page.evaluate("[...document.styleSheets].length") > 0 or "html" not in answer.headers["content-type"], url
            left |= {link for link in found if not any(word in link for word in NOT_FOLLOWED)} - seen
            assert len(seen) < 100
        assert {
            f"{nginx.url}{path}" for path in ("/", "/explore", "/runbook", "/reference", "/docs", "/change/retrain", "/cards/g2")
        } <= seen
        page.goto(urljoin(nginx.url, "/larder/change/rollback"))
        page.locator("main").get_by_role("button").click()
        page.wait_for_url(f"{nginx.url}/")
        expect(page.get_by_role("status").first).to_be_visible()


@pytest.mark.parametrize("named", [True, False])
def test_a_page_of_another_origin(redis_url: str, other_site: str, open_page: Open, named: bool) -> None:
    with ApiProcess(redis_url, **({"LARDER_API_CORS_ORIGINS": other_site} if named else {})) as api:
        page, watch = open_page()
        watch.expected = () if named else ("CORS", "ERR_FAILED")
        page.goto(other_site)
        assert page.evaluate(ASK, [f"{api.url}/v1/recommendations", json.dumps({"user_id": 4})]) == (3 if named else "refused")
