"""What Lighthouse says of pages that doesn't depend on how busy the machine is. `make lighthouse` measures the rest."""

from __future__ import annotations

import shutil

import pytest

from tests.browser import chromium, lighthouse
from tests.e2e.local import LocalStack

CATEGORIES = ("accessibility", "best-practices", "seo")


@pytest.mark.parametrize("view", lighthouse.VIEWS)
def test_nothing_is_found(view: str, stack: LocalStack) -> None:
    npx, chrome = shutil.which("npx"), chromium.find()
    if npx is None:
        pytest.skip("there is no npx on PATH (Node.js 20 or later), which runs Lighthouse")
    assert chrome is not None
    found = lighthouse.report(npx, chrome, stack.url + view, "desktop", CATEGORIES)
    assert list(lighthouse.findings(found)) == []
    assert lighthouse.scores(found) == dict.fromkeys(CATEGORIES, 100)
