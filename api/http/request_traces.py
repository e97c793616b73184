"""Spans of requests, each made when its request is answered: those that come with a sampled traceparent, and some by chance.

Nothing is imported, and nothing asked, where LARDER_OTLP_ENDPOINT is empty. A span by hand costs some 40 µs of a request that is traced and
none of another, where the instrumentation packages take a hundred of each.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

from api.http.request_ids import REQUEST_ID
from api.http.route import ROUTE
from contract.settings.notices import TelemetrySettings
from contract.telemetry.tracing import is_sampled, make_provider

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SERVICE = "larder-api"
ERROR = 500  # statuses from here on are errors of a server


class RequestTraces:
    """Of one process: what sends is made after the fork, by `open` or with the first span."""

    def __init__(self, settings: TelemetrySettings) -> None:
        self._settings, self._ratio = settings, settings.trace_ratio
        self._made: tuple[int, Tracer, Any] | None = None
        self._making = threading.Lock()
        self._random = random.Random()  # noqa: S311 (who is traced is no secret)

    def open(self) -> None:
        """Make what sends before the first request would have to wait for it."""
        self._tracer()

    def answered(self, environ: dict[str, Any], status: int, seconds: float, by_chance: bool = True) -> str:
        """The trace's id, where this request is traced; else "". `by_chance`: whether it may be where nobody asks for it."""
        given = environ.get("HTTP_TRACEPARENT", "").strip()
        sampled = is_sampled(given) if given else None
        if sampled is None:
            sampled = by_chance and self._random.random() < self._ratio
        if not sampled:
            return ""
        from opentelemetry import propagate
        from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id

        ended = time.time_ns()
        route, method = environ.get(ROUTE, ""), environ["REQUEST_METHOD"]
        span = self._tracer().start_span(
            f"{method} {route}".rstrip(),
            propagate.extract({"traceparent": given}),
            SpanKind.SERVER,
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "larder.request_id": environ.get(REQUEST_ID, ""),
            },
            start_time=ended - int(seconds * 1e9),
        )
        if status >= ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
        return format_trace_id(span.get_span_context().trace_id)

    def close(self) -> None:
        """Send what waits."""
        if self._made is not None and self._made[0] == os.getpid():
            self._made[2].shutdown()

    def _tracer(self) -> Tracer:
        with self._making:
            if self._made is None or self._made[0] != os.getpid():
                provider = make_provider(self._settings, SERVICE)
                self._made = os.getpid(), provider.get_tracer("larder"), provider
            return self._made[1]
