"""The manual as the API serves it, below a path too: it looks and searches as it should under its policy, and asks no other host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual") / "site"
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    return folder


@pytest.mark.parametrize("root", ["", "/shop"])
def test_the_manual_in_a_browser(open_page: Open, site: Path, root: str) -> None:
    with ApiProcess("redis://127.0.0.1:1/0", LARDER_MANUAL=str(site), LARDER_API_ROOT_PATH=root) as api:
        page, _ = open_page(color_scheme="dark")
        page.goto(f"{api.url}{root}/manual")
        assert page.url == f"{api.url}{root}/manual/"
        assert page.evaluate("getComputedStyle(document.body).display") == "flex"  # the theme's stylesheet counts
        page.get_by_role("link", name="the tutorial").first.click()
        page.wait_for_url(f"{api.url}{root}/manual/tutorial.html")
        assert page.locator("img[src*='explorer']").evaluate("image => image.naturalWidth") > 100
        page.get_by_role("textbox", name="Search").click()
        expect(page.locator(".md-search-result__meta")).to_have_text("Type to start searching", timeout=30_000)  # it has its index
        page.get_by_role("textbox", name="Search").press_sequentially("rollback")  # it listens to keys
        page.locator(".md-search-result__link").first.wait_for()
