"""The settings page tells what the settings are."""

from __future__ import annotations

from pathlib import Path

from contract.settings.settings import PREFIX, Settings
from stack.environment import stack_environment
from stack.paths import StackPaths
from tests.support.paths import ROOT
from tools.settings_page import page

DOCS = ROOT / "docs"


def test_the_page_is_fresh() -> None:
    assert (DOCS / "settings.md").read_text() == page(), "make docs writes it anew"


def test_every_setting_stands_on_it_once() -> None:
    assert all(page().count(f"| `{PREFIX}{name.upper()}` |") == 1 for name in Settings.model_fields)


def test_what_make_up_sets_otherwise_is_said() -> None:
    told = page().partition("`make up` uses others")[2].partition("\n\n")[0]
    set_here = {name for name in stack_environment({}, StackPaths(ROOT, Path("/var"))) if name.startswith(PREFIX)}
    assert set_here
    assert all(f"`{name}`" in told for name in {*set_here, "LARDER_ERASURE_SECRET"})
