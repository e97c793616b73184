"""Traces by OpenTelemetry: what a run, a job and its parts took, where LARDER_OTLP_ENDPOINT names who takes them.

Without an endpoint nothing of OpenTelemetry is imported, and `span` does nothing. A trace goes from process to process as a carrier,
{"traceparent": ...} (W3C Trace Context), in the meta data of RQ's jobs. A process that forks makes its provider after the fork, and
ends it before it ends itself: what is not sent by then is lost. A collector that does not answer costs a warning and TIMEOUT_S.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from contract.errors import SettingsError
from contract.settings.drivers import how_to_install
from contract.settings.notices import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

DRIVER = "tracing"
META = "trace"  # of a job: its carrier
TIMEOUT_S = 2
PATH = "/v1/traces"

# Versions after the first may have more behind.
_TRACEPARENT = re.compile(
    r"(?!ff)(?:00|((?!00)[0-9a-f]{2}))-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?(1)(?:-[!-~]*)?)", re.ASCII
)
_handed: ContextVar[str] = ContextVar("handed", default="")

log = logging.getLogger("larder.traces")
_tracer: Tracer | None = None


def check(settings: TelemetrySettings) -> None:
    """Raises SettingsError where traces are asked for and can't be made."""
    if settings.otlp_endpoint and (missing := how_to_install(DRIVER)):
        raise SettingsError(f"LARDER_OTLP_ENDPOINT: {missing}")


@contextmanager
def traced(settings: TelemetrySettings, service: str, name: str, carrier: Mapping[str, str], **attributes: str | int) -> Iterator[None]:
    """A span of this process' own, child of the one that the carrier is of, and a provider for as long as it takes."""
    global _tracer
    if not settings.otlp_endpoint:
        yield
        return
    from opentelemetry import propagate

    provider = make_provider(settings, service)
    before, _tracer = _tracer, provider.get_tracer("larder")
    try:
        with _tracer.start_as_current_span(name, propagate.extract(carrier), attributes=_named(attributes)):
            yield
    finally:
        _tracer = before
        provider.shutdown()


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A part of what is traced here, if anything is. An error that comes through it is its own."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, attributes=_named(attributes)):
        yield


def note(**attributes: str | int) -> None:
    """Attributes of the current span."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(_named(attributes))


def is_sampled(traceparent: str) -> bool | None:
    """Whether who sends it traces what he asks; None for what W3C Trace Context would not read, which counts as nothing sent."""
    if _TRACEPARENT.fullmatch(traceparent) is None:
        return None
    return int(traceparent.split("-")[3], 16) & 1 == 1


@contextmanager
def handed(traceparent: str) -> Iterator[None]:
    """What is enqueued meanwhile hangs on the span that came with a request, if that is sampled."""
    token = _handed.set(traceparent if is_sampled(traceparent) else "")
    try:
        yield
    finally:
        _handed.reset(token)


def carrier() -> dict[str, str]:
    """What hands the current span on; nothing where there is none."""
    found: dict[str, str] = {}
    if came := _handed.get():
        found["traceparent"] = came
    elif _tracer is not None:
        from opentelemetry import propagate

        propagate.inject(found)
    return found


def trace_id() -> str:
    """Of the current span, 32 hexadecimal digits; "" where there is none."""
    found = carrier().get("traceparent", "")
    return found.split("-")[1] if found else ""


class Stages:
    """Spans one after the other: each begins when the one before ends."""

    def __init__(self) -> None:
        self._name = ""
        self._open: AbstractContextManager[None] | None = None

    def at(self, name: str) -> bool:
        """`name` is what is done now; whether that is new."""
        if name == self._name:
            return False
        self.end()
        self._name, self._open = name, span(name)
        self._open.__enter__()
        return True

    def end(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._name, self._open = "", None

    close = end


def load() -> None:
    """Import all that makes spans and sends them, which takes 0.2 s; nothing is made: a process may fork after it."""
    import opentelemetry.exporter.otlp.proto.http.trace_exporter
    import opentelemetry.propagate
    import opentelemetry.sdk.resources
    import opentelemetry.sdk.trace.export  # noqa: F401 (all that make_provider, and who makes spans by it, imports)


def make_provider(settings: TelemetrySettings, service: str) -> TracerProvider:
    """Sends in batches, from a thread of its own, to the endpoint of the settings."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    from contract import VERSION

    class Exporter(SpanExporter):
        """One line for a batch that is lost: the library's own are many, with traces of Python's."""

        def __init__(self) -> None:
            self._sends = OTLPSpanExporter(settings.otlp_endpoint.rstrip("/") + PATH, timeout=TIMEOUT_S)

        def export(self, spans: Any) -> SpanExportResult:
            result = self._sends.export(spans)
            if result is not SpanExportResult.SUCCESS:
                log.warning("%d spans are lost: %s does not take them", len(spans), settings.otlp_endpoint)
            return result

        def shutdown(self) -> None:
            self._sends.shutdown()  # type: ignore[no-untyped-call]

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource({"service.name": service, "service.version": VERSION}))
    provider.add_span_processor(BatchSpanProcessor(Exporter()))
    return provider


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"larder.{name}": value for name, value in attributes.items()}
