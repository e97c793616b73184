"""The settings page tells what the settings are."""

from __future__ import annotations

from pathlib import Path

from contract.settings import PREFIX, Settings
from contract.settings_page import page

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_fresh() -> None:
    assert (DOCS / "settings.md").read_text() == page(), "make docs writes it anew"


def test_every_setting_stands_on_it_once() -> None:
    assert all(page().count(f"| `{PREFIX}{name.upper()}` |") == 1 for name in Settings.model_fields)
