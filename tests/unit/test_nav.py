"""Each page of docs/ is in the nav of the site, and on its first page. A new page goes into mkdocs.yml and docs/index.md."""

from __future__ import annotations

import json
import re

import yaml  # type: ignore[import-untyped]

from tests.support.manual.page_blocks import ALONE, TASKS, blocks_of
from tests.support.paths import ROOT
from tools.manual import ROOT_PAGES

PARTS = ["Start", "Tutorial", "How-to", "Reference", "Explanation"]


def test_each_page_is_in_the_nav_once() -> None:
    nav = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), yaml.BaseLoader)["nav"]
    assert [next(iter(part)) for part in nav] == PARTS
    named = re.findall(r"[\w/-]+\.md", json.dumps(nav))
    assert len(set(named)) == len(named)
    assert set(named) == {*ROOT_PAGES, "adr/README.md", *(path.name for path in (ROOT / "docs").glob("*.md"))}


def test_each_page_is_on_the_first_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "index.md" and f"({path.name}" not in text] == []


def test_each_page_whose_blocks_are_to_be_run_is_run() -> None:
    """A block that no test runs is `bash` or `console`, not `sh`."""
    pages = {path.stem for path in (ROOT / "docs").glob("*.md") if blocks_of(path.read_text(encoding="utf-8"))}
    assert pages == {*TASKS, *ALONE}
