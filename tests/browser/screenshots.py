"""`python -m tests.browser.screenshots`: the pictures of the README, from a stack that runs. They land in docs/images."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from tests.browser import chromium
from tests.browser.conftest import ADMIN_KEY, sign_in
from tests.e2e.local import LocalStack
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "images"
Scheme = Literal["light", "dark"]
PICTURES: tuple[tuple[str, str, Scheme, int, int], ...] = (
    ("overview", "/", "light", 1200, 1000),
    ("comparison", "/compare", "light", 1200, 1390),
    ("explorer", "/explore?user=54", "light", 1200, 1390),
    ("rollback", "/change/rollback", "light", 1200, 900),
    ("phone", "/explore?user=54#h-user", "dark", 390, 844),
)


def main() -> int:
    path = chromium.find()
    if path is None:
        print("this needs chromium on PATH", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(Path(folder) / "var", Path(folder) / "numba")
        try:
            stack.run("up", LARDER_API_ADMIN_KEYS=ADMIN_KEY, LARDER_EXPLAIN_DEPTH="3", LARDER_KEEP_GENERATIONS="3")
            for similarity, half_life in (("cosine", "30"), ("jaccard", "60"), ("cosine", "60")):
                stack.run("retrain", "--similarity", similarity, "--time-decay-days", half_life)
            with chromium.started(path) as browser:
                for name, view, scheme, width, height in PICTURES:
                    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
                    sign_in(page, stack.url)
                    page.goto(stack.url + view)
                    page.screenshot(path=FOLDER / f"{name}.png")
                    print(FOLDER / f"{name}.png")
        finally:
            stack.run("clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
