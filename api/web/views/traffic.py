"""How much is asked, and how long answers take, from what /metrics counts. Nothing is counted for the pages themselves."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import Metric

from api.metrics.counters import Metrics

HISTOGRAM = "larder_request_seconds"
OWN = ("/health/live", "/health/ready", "/metrics")  # asked by machines, again and again
SHOWN = 6
MIN_WINDOW_S = 0.5
RECENT_S = 300.0


@dataclass(frozen=True, slots=True)
class RouteTraffic:
    """`median_s` and `p99_s` are the upper ends of the histogram's buckets; None: beyond the last one."""

    route: str
    n: int
    errors: int
    median_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """`per_s` is None until this process has been asked twice. `recent`, `recent_errors`: answers of the last RECENT_S at the most."""

    routes: tuple[RouteTraffic, ...]
    n: int
    per_s: float | None
    window_s: float
    recent: int = 0
    recent_errors: int = 0


class TrafficMeter:
    """Remembers the last look, so that the next one knows a rate. Two threads that race only shorten one another's window."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._last: tuple[float, int] | None = None
        self._rate: tuple[float | None, float] = (None, 0.0)
        self._looks: list[tuple[float, int, int]] = []

    def read(self, is_page: Callable[[str], bool]) -> Traffic:
        """Of all processes of this API since it began; `is_page` says which routes are not to be counted."""
        routes = [route for route in routes_of(self._metrics.registry().collect()) if route.route not in OWN and not is_page(route.route)]
        n, now = sum(route.n for route in routes), self._clock()
        if self._last is None or now - self._last[0] >= MIN_WINDOW_S:
            if self._last is not None:
                window = now - self._last[0]
                self._rate = (max(0, n - self._last[1]) / window, window)
            self._last = (now, n)
        shown = tuple(sorted(routes, key=lambda route: (-route.errors, -route.n))[:SHOWN])
        return Traffic(shown, n, *self._rate, *self._recent(now, n, sum(route.errors for route in routes)))

    def _recent(self, now: float, n: int, errors: int) -> tuple[int, int]:
        """Answers and errors since the oldest look of the last RECENT_S."""
        looks = [look for look in self._looks if now - look[0] <= RECENT_S] or self._looks[-1:]
        if not looks or now - looks[-1][0] >= MIN_WINDOW_S:
            looks.append((now, n, errors))
        self._looks = looks  # a whole list at once, since threads read it
        return max(0, n - looks[0][1]), max(0, errors - looks[0][2])


def routes_of(families: Iterable[Metric]) -> list[RouteTraffic]:
    """What the histogram says of each route, all methods and statuses together."""
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    counts: dict[str, float] = defaultdict(float)
    errors: dict[str, float] = defaultdict(float)
    samples = (sample for family in families if family.name == HISTOGRAM for sample in family.samples)
    for sample in samples:
        route = sample.labels["route"]
        if sample.name.endswith("_bucket"):
            buckets[route][float(sample.labels["le"])] += sample.value
        elif sample.name.endswith("_count"):
            counts[route] += sample.value
            if sample.labels["status"].startswith("5"):
                errors[route] += sample.value
    return [
        RouteTraffic(route, int(n), int(errors[route]), quantile(buckets[route], 0.5), quantile(buckets[route], 0.99))
        for route, n in counts.items()
        if n
    ]


def quantile(cumulated: dict[float, float], part: float) -> float | None:
    """The upper end of the bucket in which the quantile lies; `cumulated`: observations up to each end."""
    ends = sorted(cumulated)
    heights = list(accumulate((cumulated[end] for end in ends), max))
    at = bisect_left(heights, part * heights[-1]) if heights else 0
    return ends[at] if at < len(ends) and ends[at] != float("inf") else None
