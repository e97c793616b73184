"""The settings page tells what the settings are."""

from __future__ import annotations

from contract.settings.settings import PREFIX, Settings
from tests.support.paths import ROOT
from tools.settings_page import page

DOCS = ROOT / "docs"


def test_the_page_is_fresh() -> None:
    assert (DOCS / "settings.md").read_text() == page(), "make docs writes it anew"


def test_every_setting_stands_on_it_once() -> None:
    assert all(page().count(f"| `{PREFIX}{name.upper()}` |") == 1 for name in Settings.model_fields)
