"""`python -m tests.browser.page_speed`: first paint of each view with many users loaded, on this machine. A measurement, not a test.

The first line is that of an empty page without a server: what the browser itself takes. On a machine that does other things too, it
tells how much of the rest is theirs.
"""

from __future__ import annotations

import os
import statistics
import sys

from tests.browser import chromium
from tests.browser.many_users import many_users

REPEATS = 7
BAR_MS = 200
EMPTY = "data:text/html,<title>empty</title><p>empty"
VIEWS = (
    "/",
    "/history",
    "/compare",
    "/explore",
    "/explore?user=54",
    "/explore?item=17",
    "/explore?session=17%0A18",
    "/cards/CURRENT",
    "/runbook",
)
FIRST_PAINT = """() => new Promise(done => {
  const seen = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  if (seen() !== undefined) return done(seen());
  new PerformanceObserver((_list, observer) => { if (seen() !== undefined) { observer.disconnect(); done(seen()); } })
    .observe({ type: "paint", buffered: true });
})"""


def measure(url: str, path: str) -> int:
    """Print a line for each view; how many are slower than the bar."""
    slow = 0
    with chromium.started(path) as browser:
        warm = browser.new_page()
        current = warm.request.get(f"{url}/generations/current").json()
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        print(f"{current['n_users']:,} users, {current['n_items']:,} items; {load}; median and worst of {REPEATS} new profiles")
        print(f"{'view':<28}{'first visit, ms':>18}{'next visit, ms':>18}{'answer, ms':>13}{'KiB':>7}")
        for view in (EMPTY, *VIEWS):
            address = view if view == EMPTY else url + view.replace("CURRENT", current["generation"])
            first: list[float] = []
            later: list[float] = []
            answers: list[float] = []
            size = 0
            for _ in range(REPEATS):
                context = browser.new_context()
                page = context.new_page()
                for paints in (first, later):
                    page.goto(address)
                    paints.append(float(page.evaluate(FIRST_PAINT)))
                    timing = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
                    answers.append(timing["responseEnd"] - timing["requestStart"])
                    size = timing["encodedBodySize"]
                context.close()
            slow += view != EMPTY and statistics.median(first) > BAR_MS
            name = "(an empty page)" if view == EMPTY else view
            cells = "".join(f"{statistics.median(paints):>9.0f}{max(paints):>9.0f}" for paints in (first, later))
            print(f"{name:<28}{cells}{statistics.median(answers):>13.1f}{size / 1024:>7.1f}")
    return slow


def main() -> int:
    path = chromium.find()
    if path is None:
        print("this needs chromium on PATH", file=sys.stderr)
        return 1
    with many_users() as stack:
        slow = measure(stack.url, path)
    print(f"{slow} of {len(VIEWS)} views are slower than {BAR_MS} ms")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
