"""What one tenant's application counts, among those of a process: requests count for the process, and its /metrics shows its own lists."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from api.metrics.counters import Metrics
from contract.formats.keys import Id


class TenantMetrics(Metrics):
    def __init__(self, process: Metrics) -> None:
        super().__init__(process.counters)
        self._answers: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def arm(self, arm: str, outcome: str, n: int = 1, users: Iterable[Id] = ()) -> None:
        if arm and n:
            with self._lock:
                self._answers[arm, outcome] += n
            if users:
                self.broken(arm, outcome, users)

    def arm_totals(self) -> dict[tuple[str, str], int]:
        with self._lock:
            return dict(self._answers)

    def registry(self, *collectors: Collector) -> CollectorRegistry:
        """Nothing that other tenants could be counted in."""
        registry = CollectorRegistry()
        for collector in collectors:
            registry.register(collector)
        return registry
