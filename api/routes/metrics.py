"""The route that Prometheus scrapes."""

from __future__ import annotations

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.http.request_models import NoOptions
from api.http.requests import query
from api.http.responses import NO_STORE
from api.http.route import Route
from api.metrics.counters import Metrics

TEXT = "text/plain"


def routes(metrics: Metrics, collector: Collector) -> list[Route]:
    def scrape() -> Response:
        query(NoOptions)
        try:
            text = generate_latest(metrics.registry(collector))
        except FileNotFoundError:  # of a worker that has just ended: its counts are in another file now
            text = generate_latest(metrics.registry(collector))
        return Response(text, headers={"Cache-Control": NO_STORE}, content_type=CONTENT_TYPE_LATEST)

    return [Route("GET", "/metrics", scrape, "Metrics for Prometheus, of all workers", answer=TEXT, query=NoOptions, tag="Operation")]
