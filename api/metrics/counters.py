"""What each process counts. In gunicorn, prometheus_client keeps the values in files of a folder, so that /metrics sees all workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from contract.formats.keys import Id

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
NO_ROUTE = "none"
_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"})


class Counters:
    """Of a process. An observation is the count of requests and their latency in one: each costs two writes into a mapped file."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Histogram(
            "larder_request_seconds",
            "Time from a request's head to its answer, by route, method and status; its _count is the number of requests.",
            labels, buckets=BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self.round_trips = Counter("larder_redis_round_trips", "Commands or pipelines sent to the store.", registry=self.registry)
        self.unknown_users = Counter("larder_unknown_users", "Users asked for who have no list.", registry=self.registry)
        self.batch_users = Counter("larder_batch_users", "Users asked for in batches, with a list or without.", registry=self.registry)
        self.fallbacks = Counter(
            "larder_fallbacks",
            "Lists that are named ones in place of a user's own, or were filled up from such.",
            registry=self.registry,
        )
        self.fallback_lists = Counter("larder_fallback_lists", "Those, by the named list.", ("list",), registry=self.registry)
        self.events = Counter(
            "larder_events",
            "Events sent to POST /events by what came of them: accepted, repeated (known by its event_id), invalid, refused (429).",
            ("outcome",), registry=self.registry,
        )  # fmt: skip
        self.impressions = Counter(
            "larder_impressions",
            "Answers whose lists were to be kept (LARDER_IMPRESSIONS) by what came of them: kept, dropped.",
            ("outcome",), registry=self.registry,
        )  # fmt: skip
        self.arms = Counter(
            "larder_arm_answers",
            "While an experiment runs: answers by the arm of the user and outcome: listed, empty, unknown (no such user), error.",
            ("arm", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.key_requests = Counter(
            "larder_key_requests",
            "Requests with a named key, by its name and what came of them: allowed, refused (403), limited (429).",
            ("key", "outcome"), registry=self.registry,
        )  # fmt: skip
        self._children: dict[tuple[str, str, str], Histogram] = {}  # labels() costs as much as observe()

    def observe(self, route: str, method: str, status: str, seconds: float) -> None:
        child = self._children.get((route, method, status))
        if child is None:
            # A client may invent methods; each would be a series for ever.
            child = self._requests.labels(route, method if method in _METHODS else "other", status)
            if method in _METHODS:
                self._children[route, method, status] = child
        child.observe(seconds)


class Metrics:
    """What one application counts, in the counters of its process. `counters`: None makes them."""

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self.observe, self.round_trips, self.unknown_users = self.counters.observe, self.counters.round_trips, self.counters.unknown_users
        self.batch_users = self.counters.batch_users
        self.broken: Callable[[str, str, Iterable[Id]], object] = lambda _arm, _outcome, _users: None
        """Called with the arm, the outcome and the users of answers that were empty, or errors, while an experiment runs."""

    def key_request(self, key: str, outcome: str) -> None:
        self.counters.key_requests.labels(key, outcome).inc()

    def fell_back(self, names: Iterable[str]) -> None:
        """An answer has items of these named lists."""
        self.counters.fallbacks.inc()
        for name in names:
            self.counters.fallback_lists.labels(name).inc()

    def arm(self, arm: str, outcome: str, n: int = 1, users: Iterable[Id] = ()) -> None:
        """`arm`: "" where the user is in none, which counts nothing. `users`: whose answers were empty or errors."""
        if arm and n:
            self.counters.arms.labels(arm, outcome).inc(n)
            if users:
                self.broken(arm, outcome, users)

    def arm_totals(self) -> dict[tuple[str, str], int]:
        """What this process has counted, by arm and outcome."""
        (family,) = self.counters.arms.collect()
        return {
            (sample.labels["arm"], sample.labels["outcome"]): int(sample.value)
            for sample in family.samples
            if sample.name.endswith("_total")
        }

    def events(self, outcome: str, n: int) -> None:
        if n:
            self.counters.events.labels(outcome).inc(n)

    def impressions(self, outcome: str, n: int) -> None:
        self.counters.impressions.labels(outcome).inc(n)

    def registry(self, *collectors: Collector) -> CollectorRegistry:
        """For one scrape: the values of all workers, and what `collectors` read now."""
        registry = CollectorRegistry()
        if os.environ.get(FOLDER):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(self.counters.registry)
        for collector in collectors:
            registry.register(collector)
        return registry
