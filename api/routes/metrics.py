"""The route that Prometheus scrapes."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.http.request_models import NoOptions
from api.http.requests import query
from api.http.responses import NO_STORE
from api.http.route import Route
from api.metrics.counters import Metrics

TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class MetricRoutes:
    metrics: Metrics
    collector: Collector

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/metrics", self.scrape, "Metrics for Prometheus, of all workers", answer=TEXT, query=NoOptions, tag="Operation")
        ]

    def scrape(self) -> Response:
        query(NoOptions)
        try:
            text = generate_latest(self.metrics.registry(self.collector))
        except FileNotFoundError:  # of a worker that has just ended: its counts are in another file now
            text = generate_latest(self.metrics.registry(self.collector))
        return Response(text, headers={"Cache-Control": NO_STORE}, content_type=CONTENT_TYPE_LATEST)
