"""`python -m tests.browser.lighthouse`: what Lighthouse says of three views with many users loaded, as a desktop and as a phone sees them.

A measurement, not a test. Lighthouse comes by npx, and a phone's processor is a quarter of this one's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.browser import chromium
from tests.browser.many_users import many_users

LIGHTHOUSE = "lighthouse@12.8.2"  # the newest that Node.js 20 runs
VISITS = 3
ATTEMPTS = 3  # at a visit: now and then Lighthouse loses the beginning of its trace (NO_NAVSTART), and asks to be run again
VIEWS = ("/", "/explore?user=54", "/compare")
FORMS = {"desktop": ("--preset=desktop",), "phone": ()}
CATEGORIES = {"performance": "performance", "accessibility": "accessibility", "best-practices": "practices", "seo": "search engines"}
BARS = {"performance": 95, "accessibility": 95}
TIMES = {"first-contentful-paint": "first paint", "largest-contentful-paint": "largest paint", "total-blocking-time": "blocked"}
CHROME_OPTIONS = " ".join(("--headless=new", *chromium.OPTIONS))


def report(npx: str, chrome: str, url: str, form: str, categories: Iterable[str] = CATEGORIES) -> dict[str, Any]:
    """Of one visit with a new profile."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        output = ("--output=json", f"--output-path={path}", "--quiet", f"--chrome-flags={CHROME_OPTIONS}")
        command = [npx, "--yes", LIGHTHOUSE, url, *FORMS[form], *output, f"--only-categories={','.join(categories)}"]
        for _ in range(ATTEMPTS):
            done = subprocess.run(command, env={**os.environ, "CHROME_PATH": chrome}, cwd=folder, check=False)
            if done.returncode == 0:
                break
        done.check_returncode()
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def scores(found: dict[str, Any]) -> dict[str, int]:
    """Of each category, 0 to 100; one that could not be computed has 0."""
    return {name: round(100 * (one["score"] or 0)) for name, one in found["categories"].items()}


def findings(found: dict[str, Any]) -> Iterator[str]:
    """What takes something from a score."""
    for category in found["categories"].values():
        for one in category["auditRefs"]:
            audit = found["audits"][one["id"]]
            if one["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                yield f"{audit['title']} {audit.get('displayValue', '')}".strip()


def measure(npx: str, chrome: str, url: str) -> int:
    """Print a line for each view and form, of the visit in the middle by performance; how many have a score below its bar."""
    low = 0
    print(f"{LIGHTHOUSE}; the middle one of {VISITS} visits; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    heads = [*CATEGORIES.values(), *TIMES.values(), "shift"]
    print(f"{'view':<20}{'form':<9}" + "".join(f"{head:>16}" for head in heads))
    for form in FORMS:
        for view in VIEWS:
            visits = [report(npx, chrome, url + view, form) for _ in range(VISITS)]
            found = sorted(visits, key=lambda one: scores(one)["performance"])[VISITS // 2]
            got = scores(found)
            low += any(got[name] < bar for name, bar in BARS.items())
            audits = found["audits"]
            times = [f"{audits[name]['numericValue']:.0f} ms" for name in TIMES]
            cells = [*map(str, got.values()), *times, f"{audits['cumulative-layout-shift']['numericValue']:.3f}"]
            print(f"{view:<20}{form:<9}" + "".join(f"{cell:>16}" for cell in cells))
            for line in findings(found):
                print(f"    {line}")
    return low


def main() -> int:
    npx, chrome = shutil.which("npx"), chromium.find()
    if npx is None or chrome is None:
        print("this needs npx (Node.js 20 or later) and chromium on PATH", file=sys.stderr)
        return 1
    with many_users() as stack:
        low = measure(npx, chrome, stack.url)
    bars = " and ".join(f"{name} {bar}" for name, bar in BARS.items())
    print(f"{low} of {len(VIEWS) * len(FORMS)} reports are below {bars}")
    return int(bool(low))


if __name__ == "__main__":
    sys.exit(main())
