"""The manual: its pages are in the nav, and its site holds together and asks no other host for anything."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.paths import ROOT
from tools.manual import indented, page_of


class Names(HTMLParser):
    """What a page of the site points at: `asked`, what a browser fetches by itself; `links`, what people follow; `ids`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag != "a":
            self.asked += [given[name] for name in ("href", "src") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual") / "site"
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    made = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


def test_links_and_headings_of_the_site_hold(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): Names(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 50
    dead = []
    for page, names in pages.items():
        for target in [*names.links, *names.asked]:
            path, _, anchor = unquote(target).partition("#")
            if "://" in target or target.startswith("data:"):
                continue
            place = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            place = f"{place}/index.html" if (site / place).is_dir() else place
            if not (site / place).is_file() or (anchor and place in pages and anchor not in pages[place].ids):
                dead.append((page, target))
    assert dead == []


def test_a_browser_asks_no_other_host(site: Path) -> None:
    asked = {target for path in site.rglob("*.html") for target in Names(path.read_text(encoding="utf-8")).asked}
    assert len(asked) > 5
    assert [target for target in asked if "://" in target or target.startswith("//")] == []
    for path in site.rglob("*.css"):
        assert re.findall(r"url\(\s*['\"]?(?:https?:)?//", path.read_text(encoding="utf-8")) == []


def test_the_search_finds_what_pages_say(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"] if "LARDER_CRON" in entry["text"]}
    assert {"settings.html", "your-data.html"} <= found


def test_links_lead_to_pages_of_the_site_or_become_words() -> None:
    assert page_of("[a](../GLOSSARY.md#house) [b](settings.md)", "api.md") == "[a](GLOSSARY.md#house) [b](settings.md)\n"
    assert page_of("[a](../../GLOSSARY.md) [b](../api.md)", "adr/README.md") == "[a](../GLOSSARY.md) [b](../api.md)\n"
    assert page_of("[a](docs/api.md) [b](README.md)", "SECURITY.md") == "[a](api.md) [b](index.md)\n"
    assert page_of("[the code](../engine/models) and [ops](../ops)", "models.md") == "the code and ops\n"
    assert (
        page_of("```\n[a](nowhere.md)\n```\n[b](https://a.example/x.md)", "api.md")
        == "```\n[a](nowhere.md)\n```\n[b](https://a.example/x.md)\n"
    )
    with pytest.raises(FileNotFoundError, match=r"docs/api\.md: a link leads to docs/nowhere\.md"):
        page_of("[a](nowhere.md)", "api.md")


def test_lists_get_the_indents_that_python_markdown_wants() -> None:
    text = [
        "Of these:",
        "1. One:",
        "",
        "   ```sh",
        "   if x",
        "       y",
        "   ```",
        "",
        "   More.",
        "2. Two",
        "   - within",
        "     it",
        "After",
    ]
    assert indented(text) == [
        *("Of these:", "", "1. One:", "", "    ```sh", "    if x", "        y", "    ```", "", "    More.", "2. Two"),
        *("    - within", "        it", "After"),
    ]


def test_code_of_a_list_is_a_block_on_the_site(site: Path) -> None:
    text = (site / "your-data.html").read_text(encoding="utf-8")
    assert re.search(r"<li>\s*<p>A table\..*?</p>\s*<div class=\"highlight\"><pre>", text, re.DOTALL)
